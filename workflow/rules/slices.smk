rule liver_slices:
    input:
        image=raw("liver_slices", image_of),
        label=raw("liver_slices", training_label_of),
    output:
        slices=f"{RESULTS}/slices/liver/{{exam}}.safetensors",
        record=f"{RESULTS}/records/liver_slices/{{exam}}.json",
    log:
        f"{RESULTS}/logs/liver_slices/{{exam}}.log",
    priority: priority_of_exam(60)
    params:
        settings=settings_of("liver_slices"),
        code=code_of("liver_slices"),
        libraries=libraries_of("liver_slices"),
        raw=raw_of("liver_slices"),
        cache=cache_folder,
    script:
        "../scripts/liver_slices.py"


rule lesion_slices:
    input:
        image=raw("lesion_slices", image_of),
        label=raw("lesion_slices", training_label_of),
        liver=fused_liver_of,
    output:
        slices=f"{RESULTS}/slices/lesion/{{exam}}.safetensors",
        record=f"{RESULTS}/records/lesion_slices/{{exam}}.json",
    log:
        f"{RESULTS}/logs/lesion_slices/{{exam}}.log",
    priority: priority_of_exam(35, 15)
    params:
        settings=settings_of("lesion_slices"),
        code=code_of("lesion_slices"),
        libraries=libraries_of("lesion_slices"),
        raw=raw_of("lesion_slices"),
        cache=cache_folder,
    script:
        "../scripts/lesion_slices.py"
