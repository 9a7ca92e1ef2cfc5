"""A model in one file, and what it finds in new exams."""

from hepaflow.methods.learned_from import is_fusion, learned_from_exams, phantoms_drawn

MODEL = JOB_SETTINGS.bundle()
# What results say of the model that made them, beside its Dice.
ORIGIN = {
    "phantoms": SETTINGS.phantoms is not None,
    "sheet": Path(SETTINGS.exams).name,
    "train": len(EXAMS.names("train")),
    "test": len(EXAMS.names("test")),
    "weights_of_files": INPUTS.unknown_weights(networks_of(MODEL)),
}

# What the model's training exams are like, and how far its networks disagree on the test exams: another kind of exam
# gives reason to doubt a result. Where no network learns from exams, the kinds of phantoms that are drawn instead.
SEEN = [f"{RESULTS}/exams/{exam}.json" for exam in EXAMS.names("train") if learned_from_exams(PLAN, MODEL)]
DISAGREED = [f"{RESULTS}/metrics/{exam}.uncertainty.csv" for exam in EXAMS.names("test") if is_fusion(MODEL)]
DRAWN = JOB_SETTINGS.seen().drawn
if not learned_from_exams(PLAN, MODEL):
    ORIGIN["drawn_phantoms"] = phantoms_drawn(PLAN, MODEL)  # 0 if all networks are taken as they are


rule bundle:
    input:
        networks=[network_file(stage, network) for network, stage in networks_of(MODEL)],
        votes=[vote_file(stage, vote) for vote, stage in votes_of(MODEL)],
        # Its own methods' alone: a run can make the model of one method without computing the others.
        metrics=metrics_of(*MODEL.methods),
        surveys=SEEN,
        disagreement=DISAGREED,
        records=[
            *(f"{RESULTS}/records/train/{stage}.{network}.json" for network, stage in networks_of(MODEL)),
            *(f"{RESULTS}/records/fit_fusion/{stage}.{vote}.json" for vote, stage in votes_of(MODEL)),
        ],
        started=raw("bundle", started_models),
        licence=raw("bundle", licence_of),
        card=raw("bundle", card_of),
    output:
        model=f"{RESULTS}/hepaflow-model.zip",
        record=f"{RESULTS}/records/bundle.json",
    log:
        f"{RESULTS}/logs/bundle.log",
    priority: 5
    params:
        data=exams_in_words(SETTINGS, PLAN, MODEL, EXAMS),
        origin=ORIGIN,
        drawn=DRAWN,
        settings=settings_of("bundle"),
        code=code_of("bundle", settings="seen"),
        libraries=libraries_of("bundle", settings="seen"),
        raw=raw_of("bundle"),
    script:
        "../scripts/bundle.py"


rule segment:
    input:
        images=raw("segment", images_of),
        # Not the bundle, which tells scores and more that change without any network.
        networks=rules.bundle.input.networks,
        votes=rules.bundle.input.votes,
    output:
        segmented=f"{RESULTS}/segmented/{{exam}}.npz",
        record=f"{RESULTS}/records/segment/{{exam}}.json",
    log:
        f"{RESULTS}/logs/segment/{{exam}}.log",
    threads: 4
    resources:
        gpu=gpus(),
        mem_mb=growing(12000),
        runtime=growing(240),
    params:
        image=place_of,
        settings=settings_of("bundle"),
        code=code_of("segment", settings="bundle"),
        libraries=libraries_of("segment", settings="bundle"),
        raw=raw_of("segment"),
        compute=compute,
        accelerator=accelerator,
    script:
        "../scripts/segment.py"


rule present:
    input:
        images=raw("present", images_of),
        segmented=f"{RESULTS}/segmented/{{exam}}.npz",
        # The page tells the model's Dice on the test exams, and in what an exam is unlike all that the model has seen.
        metrics=metrics_of(MODEL.result),
        surveys=SEEN,
        disagreement=DISAGREED,
        started=raw("present", started_models),
    output:
        segmentation=f"{RESULTS}/new/{{exam}}/segmentation.nii.gz",
        measurements=f"{RESULTS}/new/{{exam}}/measurements.json",
        page=f"{RESULTS}/new/{{exam}}/report.html",
        record=f"{RESULTS}/records/present/{{exam}}.json",
    log:
        f"{RESULTS}/logs/present/{{exam}}.log",
    resources:
        mem_mb=growing(8000),
    params:
        image=place_of,
        method=MODEL.result,
        origin=ORIGIN,
        drawn=DRAWN,
        page=page_of("segment/report", "viewer", "web"),
        code=code_of("present", settings="seen"),
        libraries=libraries_of("present", settings="seen"),
        raw=raw_of("present"),
    script:
        "../scripts/present.py"


# With the records of the networks' jobs: one that failed would not be missed where a result of an earlier run is there.
NEW_EXAMS = expand(
    [*rules.present.output, rules.segment.output.record],
    exam=EXAMS.names("new"),
)
