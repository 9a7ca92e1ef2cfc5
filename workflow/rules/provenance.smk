# Every job writes a record of what it was made from; this rule sums up those of the rules that compute.

RECORDED = dict.fromkeys(
    ("postprocess", "fit_fusion", "fuse", "restore", "evaluate", "disagreement", "uncertainty", "adopt"), ("test",)
)
RECORDED |= dict.fromkeys(("summarise", "bundle", "viewer", "train"), ("test",)) | {"survey": ("train", "test")}
RECORDS = [
    *(rules.preprocess.output.record.format(data=data, exam=exam) for data, exam in PREPROCESSED),
    *(
        rules.predict.output.record.format(stage=stage, network=network, split=split)
        for network, stage, split in PREDICTED
    ),
    *(
        record
        for rule, splits in RECORDED.items()
        for record in expand(
            getattr(rules, rule).output.record,
            stage=STAGES,
            network=NETWORKS,
            vote=VOTES,
            method=METHODS,
            given=GIVEN,
            split=splits,
            exam=EXAMS.names(*splits),
        )
    ),
]


rule provenance:
    input:
        records=RECORDS,
    output:
        table=report(
            f"{RESULTS}/tables/provenance.csv",
            caption="../report/table_provenance.rst",
            category="7 Provenance",
            labels={"what": "runtimes, peak memory and versions by rule"},
        ),
        record=f"{RESULTS}/records/provenance.json",
    log:
        f"{RESULTS}/logs/provenance.log",
    params:
        code=code_of("provenance"),
        libraries=libraries_of("provenance"),
    script:
        "../scripts/provenance.py"
