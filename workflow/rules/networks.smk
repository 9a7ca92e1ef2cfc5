rule train:
    input:
        slices=slices_of("train"),
        start=start_of,
        pretrained=pretrained_of,
    output:
        weights=f"{RESULTS}/models/{{stage}}/{{backbone}}.safetensors",
        history=f"{RESULTS}/models/{{stage}}/{{backbone}}.history.csv",
    log:
        f"{RESULTS}/logs/train/{{stage}}.{{backbone}}.log",
    threads: 1 + SETTINGS.compute.workers
    resources:
        gpu=gpus,
    params:
        settings=settings_of("train", "stage", "backbone"),
        code=code_of("train"),
        compute=compute,
    script:
        "../scripts/train.py"


rule predict:
    input:
        slices=slices_of(),
        weights=f"{RESULTS}/models/{{stage}}/{{backbone}}.safetensors",
    output:
        f"{RESULTS}/masks/{{stage}}/{{backbone}}.{{split}}.npz",
    log:
        f"{RESULTS}/logs/predict/{{stage}}.{{backbone}}.{{split}}.log",
    resources:
        gpu=gpus,
    params:
        settings=settings_of("predict", "backbone"),
        code=code_of("predict"),
        compute=compute,
    script:
        "../scripts/predict.py"


rule postprocess:
    input:
        f"{RESULTS}/masks/{{stage}}/{{method}}.{{split}}.npz",
    output:
        f"{RESULTS}/clean/{{stage}}/{{method}}.{{split}}.npz",
    log:
        f"{RESULTS}/logs/postprocess/{{stage}}.{{method}}.{{split}}.log",
    params:
        settings=settings_of("postprocess", "stage"),
        code=code_of("postprocess"),
    script:
        "../scripts/postprocess.py"
