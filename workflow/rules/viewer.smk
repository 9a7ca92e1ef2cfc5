rule viewer:
    input:
        image=raw("viewer", image_of),
        label=raw("viewer", label_of),
        segmentations=expand(f"{RESULTS}/segmentations/{{method}}/{{{{exam}}}}.nii.gz", method=VIEWED),
        scores=expand(f"{RESULTS}/metrics/{{method}}/{{{{exam}}}}.csv", method=VIEWED),
        disagreement=expand(f"{RESULTS}/disagreement/{{stage}}/{{{{exam}}}}.nii.gz", stage=STAGES if FUSED else ()),
    output:
        full=f"{RESULTS}/viewer/{{exam}}.html",
        embedded=report(
            f"{RESULTS}/viewer/report/{{exam}}.html",
            caption="../report/viewer.rst",
            category="6 Exams",
            subcategory="2 Viewer",
            labels={"exam": "{exam}"},
        ),
        record=f"{RESULTS}/records/viewer/{{exam}}.json",
    log:
        f"{RESULTS}/logs/viewer/{{exam}}.log",
    resources:
        mem_mb=growing(8000),
    params:
        methods=VIEWED,
        beside=neighbours_of,
        page=page_of("viewer", "web"),
        code=code_of("viewer"),
        libraries=libraries_of("viewer"),
        raw=raw_of("viewer"),
    script:
        "../scripts/viewer.py"
