rule train:
    input:
        slices=slices_of("train"),
        start=start_of,
        pretrained=raw("train", pretrained_of),
    output:
        weights=f"{RESULTS}/models/{{stage}}/{{backbone}}.safetensors",
        history=f"{RESULTS}/models/{{stage}}/{{backbone}}.history.csv",
        record=f"{RESULTS}/records/train/{{stage}}.{{backbone}}.json",
    log:
        f"{RESULTS}/logs/train/{{stage}}.{{backbone}}.log",
    priority: priority_of_training
    threads: SETTINGS.compute.devices * (1 + SETTINGS.compute.workers)
    resources:
        gpu=gpus(SETTINGS.compute.devices),
        nodes=1,  # or SLURM could take one GPU each of two
        mem_mb=growing(16000 * SETTINGS.compute.devices),
        runtime=training_minutes,
        # SIGTERM two minutes before the time limit: the state is saved after the current mini-batch.
        slurm_extra="--signal=TERM@120",
    params:
        settings=training_settings,
        code=code_of("train", "stage", "backbone"),
        libraries=libraries_of("train", "stage", "backbone"),
        raw=raw_of("train"),
        cache=cache_folder,
        compute=compute,
    script:
        "../scripts/train.py"


rule predict:
    input:
        slices=slices_of(),
        weights=f"{RESULTS}/models/{{stage}}/{{backbone}}.safetensors",
    output:
        masks=f"{RESULTS}/masks/{{stage}}/{{backbone}}.{{split}}.npz",
        record=f"{RESULTS}/records/predict/{{stage}}.{{backbone}}.{{split}}.json",
    log:
        f"{RESULTS}/logs/predict/{{stage}}.{{backbone}}.{{split}}.log",
    priority: priority_of_prediction
    resources:
        gpu=gpus(),
        mem_mb=growing(12000),
        runtime=growing(240),
    params:
        settings=settings_of("predict", "backbone"),
        code=code_of("predict", "backbone"),
        libraries=libraries_of("predict", "backbone"),
        cache=cache_folder,
        compute=compute,
    script:
        "../scripts/predict.py"


rule postprocess:
    input:
        masks=f"{RESULTS}/masks/{{stage}}/{{method}}.{{split}}.npz",
    output:
        masks=f"{RESULTS}/clean/{{stage}}/{{method}}.{{split}}.npz",
        record=f"{RESULTS}/records/postprocess/{{stage}}.{{method}}.{{split}}.json",
    log:
        f"{RESULTS}/logs/postprocess/{{stage}}.{{method}}.{{split}}.log",
    priority: 50
    params:
        settings=settings_of("postprocess", "stage"),
        code=code_of("postprocess", "stage"),
        libraries=libraries_of("postprocess", "stage"),
    script:
        "../scripts/postprocess.py"
