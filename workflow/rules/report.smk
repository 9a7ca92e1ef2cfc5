# Everything that a run makes; the report shows what of it is marked.
EVERYTHING = [
    *expand(f"{RESULTS}/exams/{{exam}}.json", exam=EXAMS.names("train", "test")),
    *rules.provenance.output,
    *rules.bundle.output,
    *TABLES,
    *FIGURES,
    *PAGES,
    *segmentations_of("test"),
    *disagreements_of("test"),
    *expand(f"{RESULTS}/viewer/{{exam}}.html", exam=EXAMS.names("test")),
    *expand(f"{RESULTS}/viewer/report/{{exam}}.html", exam=EXAMS.names("test")),
]


rule html_report:
    input:
        EVERYTHING,
        captions=raw("html_report", captions_of),
    output:
        html=f"{RESULTS}/report.html",
        record=f"{RESULTS}/records/html_report.json",
    log:
        f"{RESULTS}/logs/html_report.log",
    localrule: True
    params:
        code=code_of("html_report"),
        libraries=libraries_of("html_report"),
        raw=raw_of("html_report"),
    script:
        "../scripts/html_report.py"
