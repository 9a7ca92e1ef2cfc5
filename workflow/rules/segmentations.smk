rule restore:
    input:
        image=image_of,
        liver_slices=f"{RESULTS}/slices/liver/{{exam}}.safetensors",
        lesion_slices=f"{RESULTS}/slices/lesion/{{exam}}.safetensors",
        liver=masks_of("clean", "liver"),
        lesion=masks_of("clean", "lesion"),
    output:
        segmentation=f"{RESULTS}/segmentations/{{method}}/{{exam}}.nii.gz",
        record=f"{RESULTS}/records/restore/{{method}}.{{exam}}.json",
    log:
        f"{RESULTS}/logs/restore/{{method}}.{{exam}}.log",
    params:
        code=code_of("restore"),
        libraries=libraries_of("restore"),
    script:
        "../scripts/restore.py"
