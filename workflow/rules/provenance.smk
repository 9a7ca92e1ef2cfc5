# Every job writes a record of what it was made from; this rule sums up those of the rules that compute.

RECORDED = ("fit_fusion", "fuse", "average", "restore", "adopt", "evaluate")
RECORDED += ("evaluate_given", "lesions", "summarise", "bundle", "viewer")
RECORDED += ("disagreement", "overlap", "uncertainty") if FUSED else ()
RECORDS = [
    *(rules.preprocess.output.record.format(data=data, exam=exam) for data, exam in PREPROCESSED),
    *(
        rules.predict.output.record.format(stage=stage, network=network, split=split)
        for network, stage, split in PREDICTED
    ),
    *(rules.train.output.record.format(stage=stage, network=network) for network, stage in TRAINED),
    *(
        rules.postprocess.output.record.format(stage=stage, method=method, split="test")
        for method in METHODS
        for stage in PLAN.methods[method]
    ),
    *expand(rules.survey.output.record, exam=EXAMS.names("train", "test")),
    *expand(
        [getattr(rules, rule).output.record for rule in RECORDED],
        stage=STAGES,
        vote=VOTES,
        average=AVERAGES,
        method=METHODS,
        given=GIVEN,
        split="test",
        exam=EXAMS.names("test"),
    ),
]


rule provenance:
    input:
        records=RECORDS,
    output:
        table=f"{RESULTS}/tables/provenance.csv",
        record=f"{RESULTS}/records/provenance.json",
    log:
        f"{RESULTS}/logs/provenance.log",
    params:
        code=code_of("provenance"),
        libraries=libraries_of("provenance"),
    script:
        "../scripts/provenance.py"
