# Pages that open in the report, which itself would only let one download a table: the twin of every table, and the
# summary. Titles, categories and labels sort as the report does, by text.

# By output: table, caption, category, subcategory and label.
PAGES_OF_RUN = {
    "configuration": (
        "configuration",
        "table_configuration",
        "1 Run",
        None,
        "2 configuration, beside the thesis'",
    ),
    "data": ("exams", "table_data", "1 Run", None, "5 exams, with the survey's warnings"),
    "plan": ("plan", "table_plan", "1 Run", None, "3 methods, stage by stage"),
    "networks": ("networks", "table_networks", "1 Run", None, "4 networks, and what they cost"),
    "provenance": ("provenance", "table_provenance", "1 Run", None, "6 times, memory and versions by rule"),
    "weights": (
        "fusion_weights",
        "table_weights",
        "2 Training and fusion",
        None,
        "3 weights of the fusion: table",
    ),
    "literature": (
        "literature",
        "table_literature",
        "3 Scores",
        "3 All numbers",
        "1 beside other methods (thesis table 3)",
    ),
    "summary": ("summary", "table_summary", "3 Scores", "3 All numbers", "2 statistics over the exams"),
    "metrics": ("metrics", "table_metrics", "3 Scores", "3 All numbers", "3 every exam, method and metric"),
    "detection": (
        "detection",
        "table_detection",
        "4 Volumes and lesions",
        None,
        "4 lesions found, by size: table",
    ),
    "lesions": ("lesions", "table_lesions", "4 Volumes and lesions", None, "5 every lesion"),
}
PAGES_OF_STRUCTURE = {
    "dice": ("", "table_dice", "3 Scores", "1 Dice and every metric", "1 Dice, as in the thesis"),
    "scores": ("scores.", "table_scores", "3 Scores", "1 Dice and every metric", "3 every metric, with intervals"),
    "comparison": (
        "comparison.",
        "table_comparison",
        "3 Scores",
        "1 Dice and every metric",
        "4 against the other methods",
    ),
    "exams": ("exams.", "table_exams", "3 Scores", "1 Dice and every metric", "5 Dice of every exam: table"),
    "agreement": (
        "agreement.",
        "table_agreement",
        "4 Volumes and lesions",
        None,
        "2 predicted against reference: table",
    ),
    "flagging": ("flagging.", "table_flagging", "5 Uncertainty", None, "1 are low scores flagged? the answer"),
    "uncertainty": ("uncertainty.", "table_uncertainty", "5 Uncertainty", None, "3 exams by disagreement: table"),
}
if not FUSED:
    for name in ("weights", "literature"):
        del PAGES_OF_RUN[name]
    for name in ("flagging", "uncertainty"):
        del PAGES_OF_STRUCTURE[name]


rule pages_of_run:
    input:
        **{name: f"{RESULTS}/tables/{table}.csv" for name, (table, *_) in PAGES_OF_RUN.items()},
        captions=raw("pages_of_run", captions_of_tables),
    output:
        **{
            name: report(
                f"{RESULTS}/tables/{table}.html",
                caption=f"../report/{caption}.rst",
                category=category,
                subcategory=subcategory,
                labels={"what": label},
            )
            for name, (table, caption, category, subcategory, label) in PAGES_OF_RUN.items()
        },
        record=f"{RESULTS}/records/pages_of_run.json",
    log:
        f"{RESULTS}/logs/pages_of_run.log",
    params:
        titles={name: title_of(label) for name, (*_, label) in PAGES_OF_RUN.items()},
        captions={name: caption for name, (_, caption, *_) in PAGES_OF_RUN.items()},
        exams=len(EXAMS.names("test")),
        phantoms=SETTINGS.phantoms is not None,
        lits17=LITS17,
        page=page_of("pages", "web"),
        code=code_of("pages_of_run"),
        libraries=libraries_of("pages_of_run"),
        raw=raw_of("pages_of_run"),
    script:
        "../scripts/pages_of_run.py"


rule pages_of_structure:
    input:
        **{name: f"{RESULTS}/tables/{table}{{structure}}.csv" for name, (table, *_) in PAGES_OF_STRUCTURE.items()},
        **{f"of_{method}": f"{RESULTS}/tables/exams.{{structure}}.{method}.csv" for method in VIEWED},
        captions=raw("pages_of_structure", captions_of_tables),
    output:
        **{
            name: report(
                f"{RESULTS}/tables/{table}{{structure}}.html",
                caption=f"../report/{caption}.rst",
                category=category,
                subcategory=subcategory,
                labels=of_the("structure", what=label),
            )
            for name, (table, caption, category, subcategory, label) in PAGES_OF_STRUCTURE.items()
        },
        **{
            f"of_{method}": report(
                f"{RESULTS}/tables/exams.{{structure}}.{method}.html",
                caption="../report/table_method.rst",
                category="3 Scores",
                subcategory="2 Exams by method",
                labels=of_the("structure", method=method),
            )
            for method in VIEWED
        },
        record=f"{RESULTS}/records/pages_of_structure/{{structure}}.json",
    log:
        f"{RESULTS}/logs/pages_of_structure/{{structure}}.log",
    params:
        titles={
            **{name: title_of(label) for name, (*_, label) in PAGES_OF_STRUCTURE.items()},
            **{f"of_{method}": f"Exams of {method}" for method in VIEWED},
        },
        captions={
            **{name: caption for name, (_, caption, *_) in PAGES_OF_STRUCTURE.items()},
            **{f"of_{method}": "table_method" for method in VIEWED},
        },
        exams=len(EXAMS.names("test")),
        phantoms=SETTINGS.phantoms is not None,
        lits17=LITS17,
        leading=LEADING,
        page=page_of("pages", "web"),
        code=code_of("pages_of_structure"),
        libraries=libraries_of("pages_of_structure"),
        raw=raw_of("pages_of_structure"),
    script:
        "../scripts/pages_of_structure.py"


rule summary:
    input:
        tables=[
            *(f"{RESULTS}/tables/{structure}.csv" for structure in STRUCTURES),
            *(
                f"{RESULTS}/tables/{name}.csv"
                for name in ("plan", "networks", "configuration", "exams", "provenance")
            ),
            *([f"{RESULTS}/tables/fusion_weights.csv"] if FUSED else []),
        ],
        metrics=f"{RESULTS}/tables/metrics.csv",
        figures=[path for path in FIGURES if not Path(path).name.startswith(("error_overlap", "uncertainty"))],
    output:
        full=f"{RESULTS}/summary.html",
        embedded=report(
            f"{RESULTS}/summary/report.html",
            caption="../report/summary.rst",
            category="1 Run",
            labels={"what": "1 summary"},
        ),
        record=f"{RESULTS}/records/summary.json",
    log:
        f"{RESULTS}/logs/summary.log",
    params:
        leading=LEADING,
        beside=[method for method in METHODS if method not in (*FUSED, *VOTES)],
        data=exams_in_words(SETTINGS, PLAN, PLAN, EXAMS),  # of all methods, not of the model alone
        exams=EXAMS.names("test"),
        lits17=LITS17,
        page=page_of("pages", "web"),
        settings=settings_of("summary"),
        code=code_of("summary"),
        libraries=libraries_of("summary"),
    script:
        "../scripts/summary.py"


PAGES = [
    *[path for name, path in rules.pages_of_run.output.items() if name != "record"],
    *[
        path.format(structure=structure)
        for name, path in rules.pages_of_structure.output.items()
        if name != "record"
        for structure in STRUCTURES
    ],
    rules.summary.output.full,
    rules.summary.output.embedded,
]
