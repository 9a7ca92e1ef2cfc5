"""Try the tests on wrong code: `make mutants`, or `python -m mutants [MODULE ...]` for some modules.

Each mutant changes one place of a module, in memory. The tests that pass through that place are run, the quickest
first, until one fails. What was found is kept: a later call goes on where an earlier one was stopped, tries
again what survived without a reason if its tests were changed since, and all of a function if that was changed.
"""

import argparse
import ast
import hashlib
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import inf
from pathlib import Path

from mutants.child import NOTICED, PACKAGE, ROOT, load_libraries, pytest_in_a_child
from mutants.mutations import Mutation, mutants
from mutants.page import PAGE, Outcome, page, reasons
from mutants.passed import Chosen, Test, imported, passed
from mutants.quick import Quick

MODULES = (
    "evaluation/metrics/overlap",
    "evaluation/metrics/detection",
    "evaluation/metrics/surface",
    "evaluation/statistics",
    "evaluation/signed_rank",
    "evaluation/holm",
    "evaluation/agreement",
    "evaluation/lesions",
    "evaluation/extremes",
    "comparison/scores",
    "comparison/pairs",
    "evaluation/scores",
    "evaluation/exam",
    "evaluation/error_overlap",
    "evaluation/flagging",
    "evaluation/disagreement",
    "volumes/lesions",
    "volumes/labels",
    "volumes/resize",
    "volumes/box",
    "volumes/volume",
    "volumes/nifti",
    "masks/postprocess",
    "masks/restore",
    "masks/fusion",
    "masks/file",
    "masks/map",
    "masks/average",
    "masks/disagreement",
    "preprocessing/voi",
    "preprocessing/clahe",
    "preprocessing/contrast",
    "preprocessing/window",
    "preprocessing/slices",
    "preprocessing/liver_slices",
    "preprocessing/lesion_slices",
    "preprocessing/voi_slices",
    "training/losses",
    "sampling/slices",
    "sampling/batches",
    "dicom/geometry",
    "dicom/series",
)
"""Those that decide numbers and geometry."""

_SECONDS = 15
"""Of tests that are run for one mutant: hundreds pass through some lines."""
_SLACK = 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="volumes/box, say; all if none is named")
    parser.add_argument("--results", type=Path, default=ROOT / "results/mutants", help="where outcomes are kept")
    parser.add_argument("--page", action="store_true", help=f"only write {PAGE.relative_to(ROOT)} from them")
    parser.add_argument("--again", action="store_true", help="try survivors again that have a reason, too")
    arguments = parser.parse_args()
    if unknown := set(arguments.modules) - set(MODULES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(MODULES)}")
    if not arguments.page:
        _prepare()
        tests = passed(arguments.results / "passed", MODULES)
        explained = set() if arguments.again else set(reasons())
        for quickly in (True, False):  # what is left takes as long again
            for module in arguments.modules or MODULES:
                try_module(module, tests, arguments.results, explained, quickly=quickly)
    outcomes = {module: _known(module, arguments.results) for module in MODULES}
    counts = {module: sum(1 for _ in mutants(_source(module))) for module in MODULES}
    PAGE.write_text(page(outcomes, counts, reasons()), encoding="utf-8")
    unexplained = sum(
        outcome.survived and (module, outcome.name) not in reasons()
        for module, found in outcomes.items()
        for outcome in found
    )
    survived = {(module, one.name) for module, found in outcomes.items() for one in found if one.survived}
    for module, name in sorted(set(reasons()) - survived):
        print(f"{module}: no survivor (any more): {name}")
    print(f"{PAGE.relative_to(ROOT)}: {unexplained} survivors without a reason")
    return int(unexplained > 0)


def _prepare() -> None:
    """Write nothing into the project, and run on one thread, as the tests do."""
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    sys.pycache_prefix = str(Path(tempfile.gettempdir()) / "mutants-pycache")
    load_libraries()


def try_module(
    module: str,
    tests: dict[str, Test],
    results: Path,
    explained: Collection[tuple[str, str]] = (),
    *,
    quickly: bool = False,
) -> None:
    """Try the tests on every mutant of a module, but for those whose outcome is known or explained.

    Quickly, only outcomes of those that are killed so become known.
    """
    path = results / f"{module.replace('/', '.')}.jsonl"

    def left() -> Iterator[_Left]:
        earlier = {outcome.key: outcome for outcome in _known(module, results)}
        for key, mutation, tree in keyed(_source(module)):
            before = earlier.get(key)
            if before and (not before.survived or (module, mutation.name) in explained):
                continue
            chosen = passing(module, mutation, tests)
            suite = _suite(frozenset(name.partition("::")[0] for name in chosen))
            if before is None or before.suite != suite:
                yield _Left(key, suite, mutation, tree, chosen)

    with path.open("a", encoding="utf-8") as kept:

        def keep(one: _Left, end: str, count: int) -> None:
            outcome = Outcome(one.key, one.suite, one.mutation.name, one.mutation.line, end, count)
            kept.write(json.dumps(vars(outcome)) + "\n")
            kept.flush()
            if outcome.survived:
                print(f"{module}:{outcome.line} {end}: {outcome.name}", flush=True)

        if quickly:
            _try_quickly(module, tests, left, keep)
            return
        for one in left():
            keep(one, *_try(module, one.mutation, one.tree, one.tests))
    print(f"{module}: done", flush=True)


@dataclass(frozen=True)
class _Left:
    """A mutant that is left to be tried, and the tests that pass through it."""

    key: str
    suite: str
    mutation: Mutation
    tree: ast.Module
    tests: dict[str, Test]


def _try_quickly(
    module: str,
    tests: dict[str, Test],
    left: Callable[[], Iterator[_Left]],
    keep: Callable[[_Left, str, int], None],
) -> None:
    """Kill what the module's own tests kill, in forks of one process that has collected them."""
    own = [name for name in tests if _is_own(module, name)]
    if not own or next(left(), None) is None:
        return

    def tried() -> Iterator[tuple[str, Mutation, ast.Module, Sequence[str]]]:
        nonlocal now
        for now in left():
            yield now.key, now.mutation, now.tree, _chosen(module, now.tests)[0]

    now: _Left
    plugin = Quick(
        module,
        tried,
        lambda names: _limit(names, tests),
        lambda key, end: keep(now, end, len(_chosen(module, now.tests)[0])),
    )
    pytest_in_a_child(sorted({name.partition("::")[0] for name in own}), timeout=inf, plugins=[plugin])


def _try(module: str, mutation: Mutation, tree: ast.Module, tests: dict[str, Test]) -> tuple[str, int]:
    """Return how the tests ended on a mutant, and how many were run."""
    own, others = _chosen(module, tests)
    # Of a function, the module's own tests have run quickly, and have not noticed.
    for chosen in (own, others) if mutation.runs_at_import else (others, own):
        if chosen:
            ended = pytest_in_a_child(
                sorted({name.partition("::")[0] for name in chosen}),
                timeout=_limit(chosen, tests),
                change=(module, tree),
                plugins=[Chosen(chosen)],
            )
            if ended.status is None:
                return "time over", len(chosen)
            if ended.status in NOTICED:
                return "killed", len(chosen)
            if ended.status != 0:  # a test that is no longer there, say: nothing is known
                raise SystemExit(f"pytest ended with {ended.status} on {module}: {mutation.name}")
    return ("survived" if own or others else "untested"), len(own) + len(others)


def _limit(names: Sequence[str], tests: dict[str, Test]) -> float:
    """Return the seconds after which some tests are taken not to end."""
    return _SLACK + 10 * sum(tests[name].seconds for name in names)


def passing(module: str, mutation: Mutation, tests: dict[str, Test]) -> dict[str, Test]:
    """Return the tests that pass through a mutation.

    What runs as the module is imported, also a function that is called then alone, concerns all tests of the
    module, and of its own file also those that only look at a value: they pass through none of its lines.
    """
    found = {name: test for name, test in tests.items() if _lines(module, test) & set(mutation.lines)}
    if found and not mutation.runs_at_import:
        return found
    return {name: test for name, test in tests.items() if _lines(module, test) or _is_own(module, name)}


def _lines(module: str, test: Test) -> set[int]:
    return test.lines.get(module, set())


def _is_own(module: str, test: str) -> bool:
    """Return whether a test is of the file that mirrors a module."""
    room, noun = module.rsplit("/", 1)
    return f"/{room}/test_{noun}.py" in test


def _chosen(module: str, tests: dict[str, Test]) -> tuple[list[str], list[str]]:
    """Return those of some tests that are of the module's own file, and the quickest others, in this order."""
    own, others, left = [], [], float(_SECONDS)
    for name, test in sorted(tests.items(), key=lambda item: item[1].seconds):
        if _is_own(module, name):
            own.append(name)
        elif left > 0:
            others.append(name)
            left -= test.seconds
    return own, others


@cache
def _suite(files: frozenset[str]) -> str:
    """Return a digest of files of tests and of what they import beside the package."""
    paths = {path for name in files for path in imported(ROOT / name) if PACKAGE not in path.parents}
    return _digest(*sorted(paths))


def _known(module: str, results: Path) -> Sequence[Outcome]:
    """Return what is known of the mutants of a module as it is now; of several outcomes the last."""
    path = results / f"{module.replace('/', '.')}.jsonl"
    kept = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = {one.key: one for one in (Outcome(**json.loads(line)) for line in kept)}
    lines = {key: now.line for key, now, _ in keyed(_source(module))}
    return [replace(one, line=lines[key]) for key, one in found.items() if key in lines]


def keyed(source: str) -> Iterator[tuple[str, Mutation, ast.Module]]:
    """Yield a module's mutants, each after its key: its function, the change, and its number among equals."""
    maker = Path(__file__).with_name("mutations.py").read_bytes()
    equals: Counter[str] = Counter()
    for mutation, tree in mutants(source):
        digest = hashlib.sha256(maker)
        digest.update(f"{mutation.around} {mutation.name}".encode())
        own = digest.hexdigest()[:16]
        yield f"{own} {equals[own]}", mutation, tree
        equals[own] += 1


def _source(module: str) -> str:
    return (PACKAGE / f"{module}.py").read_text(encoding="utf-8")


def _digest(*paths: Path) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in paths)).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
