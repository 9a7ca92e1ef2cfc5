rule bundle:
    input:
        networks=expand(f"{RESULTS}/models/{{stage}}/{{backbone}}.safetensors", stage=STAGES, backbone=BACKBONES),
        fusion=[f"{RESULTS}/fusion/{stage}.json" for stage in STAGES],
        summary=f"{RESULTS}/tables/summary.csv",
        records=[
            *expand(f"{RESULTS}/records/train/{{stage}}.{{backbone}}.json", stage=STAGES, backbone=BACKBONES),
            *(f"{RESULTS}/records/fit_fusion/{stage}.json" for stage in STAGES),
        ],
        licence=LICENCE,
    output:
        model=f"{RESULTS}/hepaflow-model.zip",
        record=f"{RESULTS}/records/bundle.json",
    log:
        f"{RESULTS}/logs/bundle.log",
    params:
        data=EXAMS_IN_WORDS,
        settings=settings_of("bundle"),
        code=code_of("bundle"),
        libraries=libraries_of("bundle"),
    script:
        "../scripts/bundle.py"
