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


rule summarise:
    input:
        metrics=metrics_of(*METHODS, *GIVEN),
    output:
        metrics=report(
            f"{RESULTS}/tables/metrics.csv",
            caption="../report/metrics.rst",
            category="4 Results",
            subcategory="Every number",
            labels={"table": "every exam, method and metric"},
        ),
        summary=report(
            f"{RESULTS}/tables/summary.csv",
            caption="../report/summary.rst",
            category="4 Results",
            subcategory="Every number",
            labels={"table": "statistics over the exams"},
        ),
        comparison=f"{RESULTS}/tables/comparison.csv",
        json=f"{RESULTS}/tables/metrics.json",
        record=f"{RESULTS}/records/summarise.json",
    log:
        f"{RESULTS}/logs/summarise.log",
    params:
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
        **{
            f"of_{method}": report(
                f"{RESULTS}/tables/exams.{{structure}}.{method}.csv",
                caption="../report/table_method.rst",
                category="4 Results",
                subcategory="Exams by method",
                labels={"table": "every metric", "structure": "{structure}", "method": method},
            )
            for method in VIEWED
        },
        dice=report(
            f"{RESULTS}/tables/{{structure}}.csv",
            caption="../report/table_dice.rst",
            category="4 Results",
            subcategory="Tables",
            labels={"table": "1 Dice, as in the thesis", "structure": "{structure}"},
        ),
        scores=report(
            f"{RESULTS}/tables/scores.{{structure}}.csv",
            caption="../report/table_scores.rst",
            category="4 Results",
            subcategory="Tables",
            labels={"table": "2 every metric, with intervals", "structure": "{structure}"},
        ),
        comparison=report(
            f"{RESULTS}/tables/comparison.{{structure}}.csv",
            caption="../report/table_comparison.rst",
            category="4 Results",
            subcategory="Tables",
            labels={"table": "3 fusion against the others", "structure": "{structure}"},
        ),
        exams=report(
            f"{RESULTS}/tables/exams.{{structure}}.csv",
            caption="../report/table_exams.rst",
            category="4 Results",
            subcategory="Tables",
            labels={"table": "4 Dice of every exam", "structure": "{structure}"},
        ),
        record=f"{RESULTS}/records/tables/{{structure}}.json",
    log:
        f"{RESULTS}/logs/tables/{{structure}}.log",
    params:
        architectures=ARCHITECTURES,
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
        table=report(
            f"{RESULTS}/tables/literature.csv",
            caption="../report/table_literature.rst",
            category="4 Results",
            subcategory="Literature",
            labels={"table": "beside other methods (thesis table 3)"},
        ),
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
        table=report(
            f"{RESULTS}/tables/fusion_weights.csv",
            caption="../report/table_weights.rst",
            category="3 Fusion",
            subcategory="Weights",
            labels={"what": "table of the weights"},
        ),
        record=f"{RESULTS}/records/table_weights.json",
    log:
        f"{RESULTS}/logs/table_weights.log",
    params:
        code=code_of("table_weights"),
        libraries=libraries_of("table_weights"),
    script:
        "../scripts/table_weights.py"


TABLES = [
    *(
        f"{RESULTS}/tables/{name}.csv"
        for name in ("metrics", "summary", "comparison", "literature", "fusion_weights", "exams")
    ),
    *(
        f"{RESULTS}/tables/{prefix}{structure}.csv"
        for prefix in ("", "scores.", "comparison.", "exams.")
        for structure in STRUCTURES
    ),
    *(f"{RESULTS}/tables/exams.{structure}.{method}.csv" for structure in STRUCTURES for method in VIEWED),
]
