"""Hounsfield units of one patient's tissues: from the contrast phases, and beyond what any phase gives."""

from dataclasses import dataclass

from hepaflow.phantoms.trunk.draws import Draws

PHASES = ("native", "arterial", "portal venous", "late")

# Typical HU in the order of the phases, and the spread between patients.
TYPICAL: dict[str, tuple[tuple[float, float, float, float], float]] = {
    "liver": ((57, 72, 108, 92), 10),
    "portal_vein": ((42, 110, 168, 112), 14),
    "hepatic_vein": ((42, 62, 160, 110), 14),
    "aorta": ((42, 290, 155, 108), 20),
    "cava": ((42, 75, 140, 108), 16),
    "spleen": ((49, 115, 118, 94), 10),
    "cortex": ((33, 175, 185, 140), 18),
    "medulla": ((31, 70, 165, 150), 18),
    "pancreas": ((40, 98, 95, 78), 12),
    "muscle": ((54, 57, 63, 62), 6),
    "bowel_wall": ((38, 75, 80, 68), 12),
    "heart": ((42, 130, 115, 95), 16),
    "blood": ((42, 250, 150, 108), 30),
    "glands": ((45, 80, 85, 75), 12),
    "fluid": ((8, 8, 9, 10), 6),
    "fat": ((-102, -101, -99, -99), 7),
    "lung": ((-860, -850, -845, -850), 35),
    "bone": ((520, 530, 540, 540), 130),
    "marrow": ((170, 175, 185, 180), 60),
    "cartilage": ((95, 95, 100, 100), 20),
    "skin": ((10, 12, 15, 15), 12),
}


@dataclass(frozen=True)
class Tissues:
    """HU by tissue."""

    phase: str
    hu: dict[str, float]

    def __getitem__(self, tissue: str) -> float:
        return self.hu[tissue]


def draw_tissues(draws: Draws, spread: float) -> Tissues:
    """Draw the tissues of a patient.

    Parameters
    ----------
    draws : Draws
    spread : float
        Factor of all spreads between patients; 1 is nature's, and a third of the livers are still unusual.
    """
    phase = draws.one_of({"native": 0.2, "arterial": 0.15, "portal venous": 0.5, "late": 0.15})
    main = PHASES.index(phase)
    other = min(main + 1, len(PHASES) - 1)
    early = draws.between(0, 0.5) if draws.chance(0.5) else 0.0
    dose = draws.between(1 - 0.35 * spread / 2, 1 + 0.35 * spread / 2)
    hu = {}
    for tissue, (typical, between) in TYPICAL.items():
        mixed = (1 - early) * typical[main] + early * typical[other]
        enhanced = typical[0] + dose * (mixed - typical[0])
        hu[tissue] = enhanced + draws.around(0, between * spread)
    if draws.chance(0.25):
        hu["liver"] -= draws.between(15, 75)  # fat
    elif draws.chance(0.1):
        hu["liver"] += draws.between(10, 40)  # iron, amiodarone
    if draws.chance(0.15 * spread):  # beyond any phase: organs told by place and form alone
        for tissue in ("liver", "spleen", "cortex", "medulla", "pancreas", "heart", "blood", "bowel_wall"):
            hu[tissue] = draws.between(20, 200)
    if draws.chance(0.3):  # told from the liver by its form alone
        hu["cava"] = hu["liver"] + draws.around(0, 12)
    hu["muscle"] = min(max(hu["muscle"], 10), 100)
    hu["fat"] = min(max(hu["fat"], -130), -60)
    hu["liver"] = min(max(hu["liver"], -20), 220)
    return Tissues(phase, hu)
