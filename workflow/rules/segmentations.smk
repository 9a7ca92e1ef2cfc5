rule restore:
    input:
        image=raw("restore", image_of),
        grids=grids_of(),
        masks=found_by("clean"),
    output:
        segmentation=f"{RESULTS}/segmentations/{{method}}/{{exam}}.nii.gz",
        record=f"{RESULTS}/records/restore/{{method}}.{{exam}}.json",
    log:
        f"{RESULTS}/logs/restore/{{method}}.{{exam}}.log",
    priority: 5
    params:
        code=code_of("restore"),
        libraries=libraries_of("restore"),
        raw=raw_of("restore"),
    script:
        "../scripts/restore.py"


rule adopt:
    input:
        image=raw("adopt", image_of),
        prediction=raw("adopt", prediction_of),
    output:
        segmentation=f"{RESULTS}/segmentations/{{given}}/{{exam}}.nii.gz",
        record=f"{RESULTS}/records/adopt/{{given}}.{{exam}}.json",
    log:
        f"{RESULTS}/logs/adopt/{{given}}.{{exam}}.log",
    params:
        settings=settings_of("adopt", "given"),
        code=code_of("adopt", "given"),
        libraries=libraries_of("adopt", "given"),
        raw=raw_of("adopt"),
    script:
        "../scripts/adopt.py"


rule disagreement:
    input:
        image=raw("disagreement", image_of),
        data=fused_data_of,
        masks=fused_masks_of,
    output:
        map=f"{RESULTS}/disagreement/{{stage}}/{{exam}}.nii.gz",
        record=f"{RESULTS}/records/disagreement/{{stage}}.{{exam}}.json",
    log:
        f"{RESULTS}/logs/disagreement/{{stage}}.{{exam}}.log",
    params:
        code=code_of("disagreement"),
        libraries=libraries_of("disagreement"),
        raw=raw_of("disagreement"),
    script:
        "../scripts/disagreement.py"
