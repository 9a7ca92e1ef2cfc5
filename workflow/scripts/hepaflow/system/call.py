"""How Snakemake is called for a run: the command that goes on with it, from a note that lies with its logs."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hepaflow.system.atomic import write_text

DEFAULT = "config/config.yaml"
"""Configuration of a run where none is named."""

DEMO = "config/demo.yaml"
"""Configuration of `make demo`."""

DEMO_LOCK = ".snakemake-demo.lock"
"""File that `make demo` locks while it runs."""

NOTE = Path("logs", "call.json")
"""Where the note is in a run's results."""


@dataclass(frozen=True)
class Call:
    """How Snakemake was called.

    Attributes
    ----------
    results : str
        The run's folder of results, from the folder in which Snakemake works.
    configfiles : tuple of str
        As `--configfile` names them; none where the default is meant.
    keys : tuple of str
        Of the configuration, those that `--config` sets.
    snakefile : str
        Empty where Snakemake finds it by itself.
    profile : str
        As `--profile` names it; empty without.
    """

    results: str
    configfiles: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    snakefile: str = ""
    profile: str = ""

    def command(self, *more: str) -> str:
        """Return the command that goes on with the run, as it can be typed.

        Examples
        --------
        >>> Call("results/mine", ("config/demo.yaml", "mine.yaml")).command("--dry-run")
        'snakemake --cores all --configfile config/demo.yaml mine.yaml --dry-run'
        >>> Call("results/demo", ("config/demo.yaml",)).command()
        'make demo'
        """
        if self == Call(self.results, (DEMO,)) and not more:
            return "make demo"
        parts = ["snakemake", *(("--profile", self.profile) if self.profile else ("--cores", "all"))]
        parts += ["--snakefile", self.snakefile] if self.snakefile else []
        parts += ["--configfile", *self.configfiles] if self.configfiles else []
        return shlex.join([*parts, *more])

    def configured_as(self, other: "Call") -> bool:
        """Return whether both name the same files, in this order, and the same keys of the configuration.

        Paths are those from the working folder.
        """
        return self._files() == other._files() and {*self.keys} == {*other.keys}

    def adds_to(self, other: "Call") -> bool:
        """Return whether this names all files and keys of the configuration that another call names."""
        return {*self._files()} >= {*other._files()} and {*self.keys} >= {*other.keys}

    def _files(self) -> list[Path]:
        return [Path(path).resolve() for path in self.configfiles or (DEFAULT,)]

    def in_words(self, results: Path) -> str:
        """Return the command and what else there is to know of it.

        Parameters
        ----------
        results : Path
            Where the results are now.
        """
        words = f"`{self.command()}`"
        if self.keys:
            words += f" with the --config of that run ({', '.join(self.keys)})"
        whole = results.resolve()
        works = Path(*whole.parts[: -len(Path(self.results).parts)])
        known = not Path(self.results).is_absolute() and works / self.results == whole
        return f"{words} in {works}" if known and works != Path.cwd() else words


def note_call(call: Call) -> None:
    """Write down how Snakemake is called for a run, with the results of the run."""
    path = Path(call.results) / NOTE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(asdict(call), indent=1) + "\n")


def going_on(results: Path) -> str:
    """Return how one goes on with a run, from its folder of results: a command, in words.

    Without a note, as in results of earlier versions, the configuration is left to the reader.
    """
    if call := noted_call(results):
        return call.in_words(results)
    return "`snakemake --cores all --configfile FILE`, with FILE the configuration of this run"


def noted_call(results: Path) -> Call | None:
    """Return how Snakemake was last called for a run; None without a note, as in results of earlier versions."""
    try:
        found = json.loads((results / NOTE).read_text(encoding="utf-8"))
        parts: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in found.items()}
        return Call(**parts)
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def named(paths: Sequence[Path | str]) -> tuple[str, ...]:
    """Return paths as they are shortest: from the working folder where they lie in it."""
    whole = [Path(path).absolute() for path in paths]
    return tuple(str(one.relative_to(Path.cwd()) if one.is_relative_to(Path.cwd()) else one) for one in whole)
