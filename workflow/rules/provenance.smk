# Every job writes a record of what it was made from; this rule sums them up for the report.

RECORDS = [
    *expand(f"{RESULTS}/records/survey/{{exam}}.json", exam=EXAMS.names("train", "test")),
    *expand(f"{RESULTS}/records/{{stage}}_slices/{{exam}}.json", stage=STAGES, exam=EXAMS.names("train", "test")),
    *expand(f"{RESULTS}/records/train/{{stage}}.{{backbone}}.json", stage=STAGES, backbone=BACKBONES),
    *expand(
        f"{RESULTS}/records/predict/{{stage}}.{{backbone}}.{{split}}.json",
        stage=STAGES,
        backbone=BACKBONES,
        split=("train", "test"),
    ),
    *expand(f"{RESULTS}/records/postprocess/{{stage}}.{{method}}.test.json", stage=STAGES, method=METHODS),
    *expand(f"{RESULTS}/records/fit_fusion/{{stage}}.json", stage=STAGES),
    *expand(f"{RESULTS}/records/fuse/{{stage}}.test.json", stage=STAGES),
    *expand(f"{RESULTS}/records/restore/{{method}}.{{exam}}.json", method=METHODS, exam=EXAMS.names("test")),
    *expand(f"{RESULTS}/records/evaluate/{{exam}}.json", exam=EXAMS.names("test")),
    *expand(f"{RESULTS}/records/disagreement/{{stage}}.{{exam}}.json", stage=STAGES, exam=EXAMS.names("test")),
    *expand(f"{RESULTS}/records/uncertainty/{{exam}}.json", exam=EXAMS.names("test")),
    *expand(f"{RESULTS}/records/adopt/{{given}}.{{exam}}.json", given=GIVEN, exam=EXAMS.names("test")),
    f"{RESULTS}/records/summarise.json",
    f"{RESULTS}/records/bundle.json",
    *expand(f"{RESULTS}/records/viewer/{{exam}}.json", exam=EXAMS.names("test")),
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
