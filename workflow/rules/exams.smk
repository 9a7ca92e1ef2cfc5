if SETTINGS.phantoms is not None:

    rule phantom:
        output:
            image=f"{DATA}/{{exam}}.image.nii.gz",
            label=f"{DATA}/{{exam}}.label.nii.gz",
            record=f"{RESULTS}/records/phantom/{{exam}}.json",
        log:
            f"{RESULTS}/logs/phantom/{{exam}}.log",
        params:
            settings=settings_of("phantom"),
            code=code_of("phantom"),
            libraries=libraries_of("phantom"),
        script:
            "../scripts/phantom.py"


rule survey:
    input:
        image=image_of,
        label=label_of,
    output:
        survey=f"{RESULTS}/exams/{{exam}}.json",
        record=f"{RESULTS}/records/survey/{{exam}}.json",
    log:
        f"{RESULTS}/logs/survey/{{exam}}.log",
    # A bad exam is found before hours are spent on the good ones.
    priority: 100
    params:
        code=code_of("survey"),
        libraries=libraries_of("survey"),
    script:
        "../scripts/survey.py"
