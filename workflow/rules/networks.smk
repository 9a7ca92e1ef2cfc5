rule train:
    input:
        data=data_to_fit("network"),
        start=start_of,
        pretrained=raw("train", pretrained_of),
    output:
        weights=f"{RESULTS}/models/{{stage}}/{{network}}.safetensors",
        history=f"{RESULTS}/models/{{stage}}/{{network}}.history.csv",
        record=f"{RESULTS}/records/train/{{stage}}.{{network}}.json",
    log:
        f"{RESULTS}/logs/train/{{stage}}.{{network}}.log",
    priority: priority_of_training
    threads: SETTINGS.compute.devices * (1 + SETTINGS.compute.workers)
    resources:
        gpu=gpus(SETTINGS.compute.devices),
        nodes=1,  # or SLURM could take one GPU each of two
        # Up to four times: most further attempts only go on after a time limit.
        mem_mb=growing(16000 * SETTINGS.compute.devices, most=4),
        runtime=training_limit,
        # SIGTERM two minutes before the time limit: the state is saved after the current mini-batch.
        slurm_extra="--signal=TERM@120",
    params:
        settings=training_settings,
        code=code_of("train", "stage", "network"),
        libraries=libraries_of("train", "stage", "network"),
        raw=raw_of("train"),
        cache=cache_folder,
        compute=compute,
        accelerator=accelerator,
    script:
        "../scripts/train.py"


rule predict:
    input:
        data=data_of,
        weights=f"{RESULTS}/models/{{stage}}/{{network}}.safetensors",
    output:
        maps=f"{RESULTS}/maps/{{stage}}/{{network}}.{{split}}.npz",
        record=f"{RESULTS}/records/predict/{{stage}}.{{network}}.{{split}}.json",
    log:
        f"{RESULTS}/logs/predict/{{stage}}.{{network}}.{{split}}.log",
    priority: priority_of_prediction
    resources:
        gpu=gpus(),
        mem_mb=growing(12000),
        runtime=growing(240),
    params:
        settings=settings_of("predict", "stage", "network"),
        code=code_of("predict", "stage", "network"),
        libraries=libraries_of("predict", "stage", "network"),
        cache=cache_folder,
        compute=compute,
        accelerator=accelerator,
    script:
        "../scripts/predict.py"


rule postprocess:
    input:
        maps=f"{RESULTS}/maps/{{stage}}/{{method}}.{{split}}.npz",
        # Where the mask of an earlier stage is looked at; nothing if no step does.
        region=region_to_clean,
        region_data=region_data_to_clean,
        data=data_to_clean,
    output:
        masks=f"{RESULTS}/clean/{{stage}}/{{method}}.{{split}}.npz",
        record=f"{RESULTS}/records/postprocess/{{stage}}.{{method}}.{{split}}.json",
    log:
        f"{RESULTS}/logs/postprocess/{{stage}}.{{method}}.{{split}}.log",
    priority: 50
    params:
        settings=settings_of("postprocess", "stage", "method"),
        code=code_of("postprocess", "stage", "method"),
        libraries=libraries_of("postprocess", "stage", "method"),
    script:
        "../scripts/postprocess.py"
