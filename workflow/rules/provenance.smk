# Every job writes a record of what it was made from; this rule sums up those of the rules that compute.

RECORDED = dict.fromkeys(("survey", "liver_slices", "lesion_slices", "train", "predict"), ("train", "test"))
RECORDED |= dict.fromkeys(
    ("postprocess", "fit_fusion", "fuse", "restore", "evaluate", "disagreement", "uncertainty", "adopt"), ("test",)
)
RECORDED |= dict.fromkeys(("evaluate_given", "overlap", "summarise", "bundle", "viewer"), ("test",))
RECORDS = [
    record
    for rule, splits in RECORDED.items()
    for record in expand(
        getattr(rules, rule).output.record,
        stage=STAGES,
        backbone=BACKBONES,
        method=METHODS,
        given=GIVEN,
        split=splits,
        exam=EXAMS.names(*splits),
    )
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
