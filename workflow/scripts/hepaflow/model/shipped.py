"""The model that comes with hepaflow: trained on phantoms alone (docs/open.md)."""

from pathlib import Path

from hepaflow.errors import UserError

SHIPPED = Path(__file__).with_name("open.zip")
"""Its file; whether it is there, `shipped_model` says."""


def shipped_model() -> Path:
    """Return the file of the model that comes with hepaflow.

    Raises
    ------
    UserError
        If this copy of hepaflow lacks it.
    """
    if not SHIPPED.is_file():
        raise UserError(
            "a hepaflow without the model that comes with it",
            file=SHIPPED,
            expected="the file as the project has it",
            remedy="install hepaflow again, or name the model of a finished run with --model",
        )
    return SHIPPED
