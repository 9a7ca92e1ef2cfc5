rule preprocess:
    input:
        image=raw("preprocess", image_of),
        label=raw("preprocess", training_label_of),
        # Where the mask of an earlier stage is looked around; nothing for training exams, which have labels.
        region=region_of,
        region_data=region_data_of,
    output:
        data=f"{RESULTS}/preprocessed/{{data}}/{{exam}}.safetensors",
        record=f"{RESULTS}/records/preprocess/{{data}}.{{exam}}.json",
    log:
        f"{RESULTS}/logs/preprocess/{{data}}.{{exam}}.log",
    priority: priority_of_data
    params:
        settings=settings_of("preprocess", "data"),
        code=code_of("preprocess", "data"),
        libraries=libraries_of("preprocess", "data"),
        raw=raw_of("preprocess"),
        cache=cache_folder,
    script:
        "../scripts/preprocess.py"
