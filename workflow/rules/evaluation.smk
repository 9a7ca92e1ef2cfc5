rule evaluate:
    input:
        image=image_of,
        label=label_of,
        liver_slices=f"{RESULTS}/slices/liver/{{exam}}.safetensors",
        lesion_slices=f"{RESULTS}/slices/lesion/{{exam}}.safetensors",
        liver_raw=masks_of("masks", "liver", BACKBONES),
        lesion_raw=masks_of("masks", "lesion", BACKBONES),
        liver_clean=masks_of("clean", "liver", METHODS),
        lesion_clean=masks_of("clean", "lesion", METHODS),
    output:
        metrics=f"{RESULTS}/metrics/{{exam}}.csv",
        overlap=f"{RESULTS}/metrics/{{exam}}.overlap.csv",
        record=f"{RESULTS}/records/evaluate/{{exam}}.json",
    log:
        f"{RESULTS}/logs/evaluate/{{exam}}.log",
    params:
        methods=METHODS,
        code=code_of("evaluate"),
        libraries=libraries_of("evaluate"),
    script:
        "../scripts/evaluate.py"


rule tables:
    input:
        metrics=expand(f"{RESULTS}/metrics/{{exam}}.csv", exam=EXAMS.names("test")),
        fusion=[f"{RESULTS}/fusion/{stage}.json" for stage in STAGES],
    output:
        liver=report(
            f"{RESULTS}/tables/liver.csv",
            caption="../report/table_liver.rst",
            category="3 Results",
            subcategory="Tables",
            labels={"stage": "liver", "what": "mean Dice (thesis table 1)"},
        ),
        lesion=report(
            f"{RESULTS}/tables/lesion.csv",
            caption="../report/table_lesion.rst",
            category="3 Results",
            subcategory="Tables",
            labels={"stage": "lesion", "what": "mean Dice (thesis table 2)"},
        ),
        weights=report(
            f"{RESULTS}/tables/fusion_weights.csv",
            caption="../report/fusion_weights.rst",
            category="2 Fusion",
            labels={"stage": "both", "what": "table of the fusion weights"},
        ),
        exams=report(
            f"{RESULTS}/tables/exams.csv",
            caption="../report/table_exams.rst",
            category="3 Results",
            subcategory="Tables",
            labels={"stage": "both", "what": "Dice of every exam"},
        ),
        record=f"{RESULTS}/records/tables.json",
    log:
        f"{RESULTS}/logs/tables.log",
    params:
        architectures=ARCHITECTURES,
        code=code_of("tables"),
        libraries=libraries_of("tables"),
    script:
        "../scripts/tables.py"
