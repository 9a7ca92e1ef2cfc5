"""A run that is lighter than the other tests' small run: two exams, two small networks of the same kind."""

from pathlib import Path

from smoke_run import SMOKE, Checkout, checkout

EXAMS = {"one": "train", "three": "test"}
CONFIG = {
    "backbones": {name: {"arch": "unet", "weights": "none"} for name in ("dense", "plain")},
    "methods": {},
    "samples": {"count": 1},
}


class Light(Checkout):
    """A copy of the project in which the light run runs."""

    def configure(self, **changes: object) -> None:
        """Write the light configuration with some top-level keys changed."""
        super().configure(**(CONFIG | changes))


def light(folder: Path) -> Light:
    """Copy what git has of the project into a folder, with the light configuration."""
    checkout(folder)
    made = Light(folder)
    made.configure()
    rows = [f"{name}\t{name}.image.nii.gz\t{name}.label.nii.gz\t{split}\n" for name, split in EXAMS.items()]
    (folder / "config/exams/smoke.tsv").write_text("exam\timage\tlabel\tsplit\n" + "".join(rows))
    return made


def training(**changes: object) -> dict[str, object]:
    """Return the settings of training with some keys of the liver stage changed."""
    return {**SMOKE["training"], "liver": {**SMOKE["training"]["liver"], **changes}}
