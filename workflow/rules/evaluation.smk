rule evaluate:
    input:
        image=raw("evaluate", image_of),
        label=raw("evaluate", label_of),
        grids=grids_of(),
        raw=raw_maps_of,
        clean=found_by("clean"),
    output:
        metrics=f"{RESULTS}/metrics/{{method}}/{{exam}}.csv",
        record=f"{RESULTS}/records/evaluate/{{method}}.{{exam}}.json",
    log:
        f"{RESULTS}/logs/evaluate/{{method}}.{{exam}}.log",
    priority: 5
    params:
        code=code_of("evaluate"),
        libraries=libraries_of("evaluate"),
        raw=raw_of("evaluate"),
    script:
        "../scripts/evaluate.py"


rule evaluate_given:
    input:
        image=raw("evaluate_given", image_of),
        label=raw("evaluate_given", label_of),
        segmentation=f"{RESULTS}/segmentations/{{given}}/{{exam}}.nii.gz",
    output:
        metrics=f"{RESULTS}/metrics/{{given}}/{{exam}}.csv",
        record=f"{RESULTS}/records/evaluate_given/{{given}}.{{exam}}.json",
    log:
        f"{RESULTS}/logs/evaluate_given/{{given}}.{{exam}}.log",
    priority: 5
    params:
        settings=settings_of("evaluate_given", "given"),
        code=code_of("evaluate_given", "given"),
        libraries=libraries_of("evaluate_given", "given"),
        raw=raw_of("evaluate_given"),
    script:
        "../scripts/evaluate_given.py"


rule overlap:
    input:
        image=raw("overlap", image_of),
        label=raw("overlap", label_of),
        grids=grids_of(FUSION),
        maps=found_by("maps", *FUSED),
    output:
        overlap=f"{RESULTS}/metrics/{{exam}}.overlap.csv",
        record=f"{RESULTS}/records/overlap/{{exam}}.json",
    log:
        f"{RESULTS}/logs/overlap/{{exam}}.log",
    params:
        networks=FUSED,
        code=code_of("overlap"),
        libraries=libraries_of("overlap"),
        raw=raw_of("overlap"),
    script:
        "../scripts/overlap.py"


rule uncertainty:
    input:
        image=raw("uncertainty", image_of),
        label=raw("uncertainty", label_of),
        grids=grids_of(FUSION),
        masks=found_by("clean", FUSION),
        disagreement=[f"{RESULTS}/disagreement/{stage}/{{exam}}.nii.gz" for stage in STAGES],
    output:
        table=f"{RESULTS}/metrics/{{exam}}.uncertainty.csv",
        record=f"{RESULTS}/records/uncertainty/{{exam}}.json",
    log:
        f"{RESULTS}/logs/uncertainty/{{exam}}.log",
    params:
        code=code_of("uncertainty"),
        libraries=libraries_of("uncertainty"),
        raw=raw_of("uncertainty"),
    script:
        "../scripts/uncertainty.py"


rule lesions:
    input:
        image=raw("lesions", image_of),
        label=raw("lesions", label_of),
        segmentations=expand(f"{RESULTS}/segmentations/{{method}}/{{{{exam}}}}.nii.gz", method=VIEWED),
    output:
        lesions=f"{RESULTS}/metrics/{{exam}}.lesions.csv",
        record=f"{RESULTS}/records/lesions/{{exam}}.json",
    log:
        f"{RESULTS}/logs/lesions/{{exam}}.log",
    params:
        methods=VIEWED,
        code=code_of("lesions"),
        libraries=libraries_of("lesions"),
        raw=raw_of("lesions"),
    script:
        "../scripts/lesions.py"


rule summarise:
    input:
        metrics=metrics_of(*METHODS, *GIVEN),
    output:
        metrics=f"{RESULTS}/tables/metrics.csv",
        summary=f"{RESULTS}/tables/summary.csv",
        comparison=f"{RESULTS}/tables/comparison.csv",
        json=f"{RESULTS}/tables/metrics.json",
        record=f"{RESULTS}/records/summarise.json",
    log:
        f"{RESULTS}/logs/summarise.log",
    params:
        method=LEADING,
        code=code_of("summarise"),
        libraries=libraries_of("summarise"),
    script:
        "../scripts/summarise.py"


rule tables:
    input:
        metrics=f"{RESULTS}/tables/metrics.csv",
        summary=f"{RESULTS}/tables/summary.csv",
        comparison=f"{RESULTS}/tables/comparison.csv",
    output:
        **{f"of_{method}": f"{RESULTS}/tables/exams.{{structure}}.{method}.csv" for method in VIEWED},
        dice=f"{RESULTS}/tables/{{structure}}.csv",
        scores=f"{RESULTS}/tables/scores.{{structure}}.csv",
        comparison=f"{RESULTS}/tables/comparison.{{structure}}.csv",
        exams=f"{RESULTS}/tables/exams.{{structure}}.csv",
        record=f"{RESULTS}/records/tables/{{structure}}.json",
    log:
        f"{RESULTS}/logs/tables/{{structure}}.log",
    params:
        architectures=ARCHITECTURES,
        lits17=LITS17,
        methods=VIEWED,
        exams=len(EXAMS.names("test")),
        code=code_of("tables"),
        libraries=libraries_of("tables"),
    script:
        "../scripts/tables.py"


rule table_literature:
    input:
        summary=f"{RESULTS}/tables/summary.csv",
    output:
        table=f"{RESULTS}/tables/literature.csv",
        record=f"{RESULTS}/records/table_literature.json",
    log:
        f"{RESULTS}/logs/table_literature.log",
    params:
        scored_on=f"{len(EXAMS.names('test'))} {'phantoms' if SETTINGS.phantoms else 'exams of its sheet'}",
        code=code_of("table_literature"),
        libraries=libraries_of("table_literature"),
    script:
        "../scripts/table_literature.py"


rule table_weights:
    input:
        fusion=[vote_file(stage, FUSION) for stage in STAGES],
    output:
        table=f"{RESULTS}/tables/fusion_weights.csv",
        record=f"{RESULTS}/records/table_weights.json",
    log:
        f"{RESULTS}/logs/table_weights.log",
    params:
        code=code_of("table_weights"),
        libraries=libraries_of("table_weights"),
    script:
        "../scripts/table_weights.py"


rule table_configuration:
    output:
        table=f"{RESULTS}/tables/configuration.csv",
        record=f"{RESULTS}/records/table_configuration.json",
    log:
        f"{RESULTS}/logs/table_configuration.log",
    params:
        settings=settings_of("table_configuration"),
        code=code_of("table_configuration"),
        libraries=libraries_of("table_configuration"),
    script:
        "../scripts/table_configuration.py"


rule table_plan:
    output:
        table=f"{RESULTS}/tables/plan.csv",
        record=f"{RESULTS}/records/table_plan.json",
    log:
        f"{RESULTS}/logs/table_plan.log",
    params:
        settings=settings_of("table_plan"),
        code=code_of("table_plan"),
        libraries=libraries_of("table_plan"),
    script:
        "../scripts/table_plan.py"


rule table_networks:
    input:
        weights=[network_file(stage, network) for network, stage in TRAINED],
        histories=[f"{RESULTS}/models/{stage}/{network}.history.csv" for network, stage in TRAINED],
        records=[f"{RESULTS}/records/train/{stage}.{network}.json" for network, stage in TRAINED],
    output:
        table=f"{RESULTS}/tables/networks.csv",
        record=f"{RESULTS}/records/table_networks.json",
    log:
        f"{RESULTS}/logs/table_networks.log",
    params:
        code=code_of("table_networks"),
        libraries=libraries_of("table_networks"),
    script:
        "../scripts/table_networks.py"


TABLES = [
    *(
        f"{RESULTS}/tables/{name}.csv"
        for name in (
            "metrics",
            "summary",
            "comparison",
            "exams",
            "configuration",
            "plan",
            "networks",
            "lesions",
            "detection",
            *(("literature", "fusion_weights") if FUSED else ()),
        )
    ),
    *(
        f"{RESULTS}/tables/{prefix}{structure}.csv"
        for prefix in ("", "scores.", "comparison.", "exams.", "agreement.")
        for structure in STRUCTURES
    ),
    *(f"{RESULTS}/tables/exams.{structure}.{method}.csv" for structure in STRUCTURES for method in VIEWED),
]
