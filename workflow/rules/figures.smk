rule figure_training:
    input:
        histories=expand(f"{RESULTS}/models/{{{{stage}}}}/{{network}}.history.csv", network=NETWORKS),
    output:
        figure=report(
            f"{RESULTS}/figures/training.{{stage}}.svg",
            caption="../report/figure_training.rst",
            category="2 Training",
            labels={"figure": "loss and learning rate", "stage": "{stage}"},
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
            category="3 Fusion",
            subcategory="Weights",
            labels={"what": "figure of the weights"},
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
            category="3 Fusion",
            subcategory="Error overlap",
            labels={"figure": "error overlap (thesis figure 9)", "structure": "{structure}"},
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
            category="4 Results",
            subcategory="Figures",
            labels={"figure": "Dice of every exam", "structure": "{structure}"},
        ),
        record=f"{RESULTS}/records/figure_dice/{{structure}}.json",
    log:
        f"{RESULTS}/logs/figure_dice/{{structure}}.log",
    params:
        architectures=ARCHITECTURES if SETTINGS.phantoms is None else {},
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
            category="6 Samples",
            subcategory="Random slices",
            labels={"figure": "random slices (thesis figures 11 and 12)", "structure": "{structure}"},
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
            labels={"what": "figure: disagreement and error", "structure": "{structure}"},
        ),
        table=report(
            f"{RESULTS}/tables/uncertainty.{{structure}}.csv",
            caption="../report/table_uncertainty.rst",
            category="5 Uncertainty",
            labels={"what": "table: exams by disagreement", "structure": "{structure}"},
        ),
        answer=report(
            f"{RESULTS}/tables/flagging.{{structure}}.csv",
            caption="../report/table_flagging.rst",
            category="5 Uncertainty",
            labels={"what": "answer: are low scores flagged?", "structure": "{structure}"},
        ),
        record=f"{RESULTS}/records/figure_uncertainty/{{structure}}.json",
    log:
        f"{RESULTS}/logs/figure_uncertainty/{{structure}}.log",
    params:
        networks=FUSED,
        code=code_of("figure_uncertainty"),
        libraries=libraries_of("figure_uncertainty"),
    script:
        "../scripts/figure_uncertainty.py"


FIGURES = [
    f"{RESULTS}/figures/fusion_weights.svg",
    *(f"{RESULTS}/figures/training.{stage}.svg" for stage in STAGES),
    *(
        f"{RESULTS}/figures/{figure}.{structure}.svg"
        for figure in ("error_overlap", "dice", "uncertainty", "samples")
        for structure in STRUCTURES
    ),
]
