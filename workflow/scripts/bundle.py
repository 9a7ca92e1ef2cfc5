"""Put all that segments an exam into one file."""

import json
from pathlib import Path

from hepaflow.evaluation.scores import in_order, read_scores
from hepaflow.evaluation.statistics import summarise
from hepaflow.files import sha256
from hepaflow.jobs.run import run
from hepaflow.model.bundle import read_bundle, write_bundle
from hepaflow.model.card import model_card, model_provenance
from hepaflow.model.members import CARD, LICENCE, PROVENANCE, weight_members
from hepaflow.model.origin import ORIGIN, in_words, origin_of, with_starts
from hepaflow.model.seen_files import read_seen
from hepaflow.settings.plan import Plan
from hepaflow.system.atomic import replacing
from hepaflow.version import version


def work() -> None:
    plan = Plan.model_validate_json(snakemake.params.settings)
    made_by = version()
    started = {sha256(path): read_bundle(path) for path in snakemake.input.started}
    provenance = model_provenance(
        snakemake.input.records, {digest: bundle.provenance for digest, bundle in started.items()}
    )
    scores = in_order(read_scores(*snakemake.input.metrics))
    seen = read_seen(snakemake.input.surveys, snakemake.input.disagreement, snakemake.params.drawn)
    origin = with_starts(
        origin_of(str(plan.result), snakemake.params.origin, scores, seen),
        [bundle.origin for bundle in started.values()],
    )
    members = [*weight_members(plan), LICENCE]
    paths = map(Path, [*snakemake.input.networks, *snakemake.input.votes, snakemake.input.licence])
    texts = {
        PROVENANCE: json.dumps(provenance, indent=1, sort_keys=True),
        ORIGIN: json.dumps(origin.as_json(), indent=1, sort_keys=True),
        CARD: model_card(
            plan,
            summarise(scores),
            provenance,
            data=snakemake.params.data,
            version=made_by,
            of_patients=origin.of_patients,
            started=[in_words(bundle.origin) for bundle in started.values()],
            known=Path(snakemake.input.card).read_text(encoding="utf-8") if snakemake.input.card else "",
        ),
    }
    with replacing(snakemake.output.model) as partial:
        write_bundle(
            partial,
            plan,
            files=dict(zip(members, paths, strict=True)),
            texts=texts,
            version=made_by,
        )


run(snakemake, work)
