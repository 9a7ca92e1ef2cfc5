PHANTOM_RECORDS = (
    expand(f"{RESULTS}/records/phantom/{{exam}}.json", exam=EXAMS.names("train", "test"))
    if SETTINGS.phantoms is not None
    else []
)

if SETTINGS.phantoms is not None:

    rule phantom:
        output:
            image=os.path.normpath(f"{DATA}/{{exam}}.image.nii.gz"),
            label=os.path.normpath(f"{DATA}/{{exam}}.label.nii.gz"),
            record=f"{RESULTS}/records/phantom/{{exam}}.json",
        log:
            f"{RESULTS}/logs/phantom/{{exam}}.log",
        priority: priority_of_exam(60)
        resources:
            mem_mb=phantom_memory,
        params:
            settings=settings_of("phantom"),
            code=code_of("phantom"),
            libraries=libraries_of("phantom"),
        script:
            "../scripts/phantom.py"


rule survey:
    input:
        image=raw("survey", image_of),
        label=raw("survey", label_of),
    output:
        survey=f"{RESULTS}/exams/{{exam}}.json",
        record=f"{RESULTS}/records/survey/{{exam}}.json",
    log:
        f"{RESULTS}/logs/survey/{{exam}}.log",
    # No network, mask or score depends on what a survey says, so it is no input of these; it comes first, and a bad exam
    # stops the run before hours are spent on the good ones. (An `ancient` input would hide changes of what waits for it: while
    # a job upstream is to run, Snakemake does not look at the parameters and other inputs of the jobs below.)
    priority: 100
    params:
        settings=settings_of("survey"),
        code=code_of("survey"),
        libraries=libraries_of("survey"),
        raw=raw_of("survey"),
    script:
        "../scripts/survey.py"


rule data_card:
    input:
        surveys=expand(f"{RESULTS}/exams/{{exam}}.json", exam=EXAMS.names("train", "test")),
    output:
        table=f"{RESULTS}/tables/exams.csv",
        record=f"{RESULTS}/records/data_card.json",
    log:
        f"{RESULTS}/logs/data_card.log",
    # Right behind the surveys: it stops a run whose labels would stop one of the last trainings.
    priority: 99
    params:
        splits={exam: EXAMS[exam].split for exam in EXAMS.names("train", "test")},
        settings=settings_of("data_card"),
        code=code_of("data_card"),
        libraries=libraries_of("data_card"),
    script:
        "../scripts/data_card.py"
