"""Several series where one is to be segmented: what there is, and what to add to the command."""

from hepaflow.dicom.series import Series, spacing_in_words
from hepaflow.errors import UserError
from hepaflow.segment.source import Source
from hepaflow.words import counted


def series_meant(source: Source) -> list[Series]:
    """Return the series that an exam may mean, by the UID or the number that was named for it."""
    return [one for one in source.series if source.wanted in (None, one.uid, str(one.number))]


def check_choice(source: Source) -> None:
    """Refuse an exam of which several series may be meant.

    Raises
    ------
    UserError
        With a line for each series that begins with the option that chooses it; it names nobody.
    """
    meant = series_meant(source)
    if len(meant) < 2:
        return
    options = [f"--series {_chosen_by(one, meant)}" for one in meant]
    width = max(map(len, options))
    lines = [f"  {option:{width}}  {_described(one)}".rstrip() for option, one in zip(options, meant, strict=True)]
    raise source.without_patient(
        UserError(
            "\n".join([f"{len(meant)} CT series, of which none is chosen", *lines]),
            file=source.place,
            expected="one series to segment",
            remedy="call the command with this folder and the option of one of these lines",
        )
    )


def _chosen_by(one: Series, meant: list[Series]) -> str:
    alone = one.number is not None and sum(other.number == one.number for other in meant) == 1
    return str(one.number) if alone else one.uid


def _described(one: Series) -> str:
    described = f"'{one.description}', " if one.description else ""
    return f"{described}{counted(len(one.files), 'slice')}{spacing_in_words(one)}"
