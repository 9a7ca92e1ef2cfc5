rule figure_training:
    input:
        histories=histories_of,
    output:
        figure=report(
            f"{RESULTS}/figures/training.{{stage}}.svg",
            caption="../report/figure_training.rst",
            category="2 Training and fusion",
            labels=of_the("stage", what="1 loss and learning rate"),
        ),
        record=f"{RESULTS}/records/figure_training/{{stage}}.json",
    log:
        f"{RESULTS}/logs/figure_training/{{stage}}.log",
    params:
        exams=len(EXAMS.names("train")),
        code=code_of("figure_training"),
        libraries=libraries_of("figure_training"),
    script:
        "../scripts/figure_training.py"


rule figure_weights:
    input:
        fusion=[vote_file(stage, FUSION) for stage in STAGES],
    output:
        figure=report(
            f"{RESULTS}/figures/fusion_weights.svg",
            caption="../report/figure_weights.rst",
            category="2 Training and fusion",
            labels={"what": "2 weights of the fusion: figure"},
        ),
        record=f"{RESULTS}/records/figure_weights.json",
    log:
        f"{RESULTS}/logs/figure_weights.log",
    params:
        code=code_of("figure_weights"),
        libraries=libraries_of("figure_weights"),
    script:
        "../scripts/figure_weights.py"


rule figure_overlap:
    input:
        overlap=expand(f"{RESULTS}/metrics/{{exam}}.overlap.csv", exam=EXAMS.names("test")),
    output:
        figure=report(
            f"{RESULTS}/figures/error_overlap.{{structure}}.svg",
            caption="../report/figure_overlap.rst",
            category="2 Training and fusion",
            labels=of_the("structure", what="4 overlap of errors (thesis figure 9)"),
        ),
        record=f"{RESULTS}/records/figure_overlap/{{structure}}.json",
    log:
        f"{RESULTS}/logs/figure_overlap/{{structure}}.log",
    params:
        networks=FUSED,
        code=code_of("figure_overlap"),
        libraries=libraries_of("figure_overlap"),
    script:
        "../scripts/figure_overlap.py"


rule figure_dice:
    input:
        metrics=metrics_of(*METHODS, *GIVEN),
    output:
        figure=report(
            f"{RESULTS}/figures/dice.{{structure}}.svg",
            caption="../report/figure_dice.rst",
            category="3 Scores",
            subcategory="1 Dice and every metric",
            labels=of_the("structure", what="2 Dice of every exam: figure"),
        ),
        record=f"{RESULTS}/records/figure_dice/{{structure}}.json",
    log:
        f"{RESULTS}/logs/figure_dice/{{structure}}.log",
    params:
        architectures=ARCHITECTURES if LITS17 else {},
        lits17=LITS17,
        networks=FUSED,
        exams=len(EXAMS.names("test")),
        code=code_of("figure_dice"),
        libraries=libraries_of("figure_dice"),
    script:
        "../scripts/figure_dice.py"


rule figure_samples:
    input:
        images=raw("figure_samples", test_images_of),
        labels=raw("figure_samples", test_labels_of),
        segmentations=test_segmentations_of,
    output:
        figure=report(
            f"{RESULTS}/figures/samples.{{structure}}.svg",
            caption="../report/figure_samples.rst",
            category="6 Exams",
            subcategory="1 Slices",
            labels=of_the("structure", what="2 random slices (thesis figures 11 and 12)"),
        ),
        record=f"{RESULTS}/records/figure_samples/{{structure}}.json",
    log:
        f"{RESULTS}/logs/figure_samples/{{structure}}.log",
    params:
        exams=EXAMS.names("test"),
        settings=settings_of("figure_samples"),
        code=code_of("figure_samples"),
        libraries=libraries_of("figure_samples"),
        raw=raw_of("figure_samples"),
    script:
        "../scripts/figure_samples.py"


rule figure_uncertainty:
    input:
        levels=expand(f"{RESULTS}/metrics/{{exam}}.uncertainty.csv", exam=EXAMS.names("test")),
        metrics=metrics_of(FUSION),
    output:
        figure=report(
            f"{RESULTS}/figures/uncertainty.{{structure}}.svg",
            caption="../report/figure_uncertainty.rst",
            category="5 Uncertainty",
            labels=of_the("structure", what="2 disagreement and error: figure"),
        ),
        table=f"{RESULTS}/tables/uncertainty.{{structure}}.csv",
        answer=f"{RESULTS}/tables/flagging.{{structure}}.csv",
        record=f"{RESULTS}/records/figure_uncertainty/{{structure}}.json",
    log:
        f"{RESULTS}/logs/figure_uncertainty/{{structure}}.log",
    params:
        networks=FUSED,
        code=code_of("figure_uncertainty"),
        libraries=libraries_of("figure_uncertainty"),
    script:
        "../scripts/figure_uncertainty.py"


rule figure_extremes:
    input:
        images=raw("figure_extremes", test_images_of),
        labels=raw("figure_extremes", test_labels_of),
        segmentations=expand(f"{RESULTS}/segmentations/{LEADING}/{{exam}}.nii.gz", exam=EXAMS.names("test")),
        metrics=metrics_of(LEADING),
    output:
        figure=report(
            f"{RESULTS}/figures/extremes.{{structure}}.svg",
            caption="../report/figure_extremes.rst",
            category="6 Exams",
            subcategory="1 Slices",
            labels=of_the("structure", what="1 worst, median and best exam"),
        ),
        record=f"{RESULTS}/records/figure_extremes/{{structure}}.json",
    log:
        f"{RESULTS}/logs/figure_extremes/{{structure}}.log",
    params:
        method=LEADING,
        exams=EXAMS.names("test"),
        settings=settings_of("figure_extremes"),
        code=code_of("figure_extremes"),
        libraries=libraries_of("figure_extremes"),
        raw=raw_of("figure_extremes"),
    script:
        "../scripts/figure_extremes.py"


rule figure_agreement:
    input:
        metrics=f"{RESULTS}/tables/metrics.csv",
    output:
        figure=report(
            f"{RESULTS}/figures/agreement.{{structure}}.svg",
            caption="../report/figure_agreement.rst",
            category="4 Volumes and lesions",
            labels=of_the("structure", what="1 predicted against reference: figure"),
        ),
        table=f"{RESULTS}/tables/agreement.{{structure}}.csv",
        record=f"{RESULTS}/records/figure_agreement/{{structure}}.json",
    log:
        f"{RESULTS}/logs/figure_agreement/{{structure}}.log",
    params:
        exams=len(EXAMS.names("test")),
        code=code_of("figure_agreement"),
        libraries=libraries_of("figure_agreement"),
    script:
        "../scripts/figure_agreement.py"


rule figure_detection:
    input:
        lesions=expand(f"{RESULTS}/metrics/{{exam}}.lesions.csv", exam=EXAMS.names("test")),
    output:
        figure=report(
            f"{RESULTS}/figures/detection.svg",
            caption="../report/figure_detection.rst",
            category="4 Volumes and lesions",
            labels={"what": "3 lesions found, by size: figure"},
        ),
        lesions=f"{RESULTS}/tables/lesions.csv",
        detection=f"{RESULTS}/tables/detection.csv",
        record=f"{RESULTS}/records/figure_detection.json",
    log:
        f"{RESULTS}/logs/figure_detection.log",
    params:
        method=LEADING,
        code=code_of("figure_detection"),
        libraries=libraries_of("figure_detection"),
    script:
        "../scripts/figure_detection.py"


FIGURES = [
    *(f"{RESULTS}/figures/{name}.svg" for name in ("detection", *(("fusion_weights",) if FUSED else ()))),
    *(f"{RESULTS}/figures/training.{stage}.svg" for stage in STAGES_OF_RUN),
    *(
        f"{RESULTS}/figures/{figure}.{structure}.svg"
        for figure in (
            "dice",
            "samples",
            "extremes",
            "agreement",
            *(("error_overlap", "uncertainty") if FUSED else ()),
        )
        for structure in STRUCTURES
    ),
]
