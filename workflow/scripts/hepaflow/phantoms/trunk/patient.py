"""A patient: all layers in the order in which they are painted, and the labels."""

from dataclasses import dataclass

from hepaflow.phantoms.trunk.abdomen import abdomen_layers, draw_retroperitoneum
from hepaflow.phantoms.trunk.chest import draw_chest
from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.frame import draw_frame, surroundings, wall_layers
from hepaflow.phantoms.trunk.implants import Metal, draw_metal
from hepaflow.phantoms.trunk.layers import Layer
from hepaflow.phantoms.trunk.lesions import LeastContrast, Lesion, Wanted, any_contrast, draw_lesions
from hepaflow.phantoms.trunk.liver import Neighbours, draw_liver, draw_outline, liver_layers
from hepaflow.phantoms.trunk.skeleton import skeleton_layers
from hepaflow.phantoms.trunk.space import Shared
from hepaflow.phantoms.trunk.tissues import Tissues, draw_tissues

ANY_LESIONS = Wanted()
SPREAD = 2.0
"""Spread of the tissues' values between patients; 1 is nature's."""


@dataclass(frozen=True, eq=False)
class Patient:
    """A body, its liver and lesions."""

    tissues: Tissues
    layers: list[Layer]
    liver: Shared
    lesions: tuple[Lesion, ...]
    metal: list[Metal]
    sharpness: float = 1.0
    """Of the edges between tissues."""


def draw_patient(draws: Draws, wanted: Wanted = ANY_LESIONS, least: LeastContrast = any_contrast) -> Patient:
    """Draw a patient, from ranges wider than nature's, with lesions of enough contrast to be seen."""
    tissues = draw_tissues(draws, SPREAD * draws.between(0.3, 1.2))
    frame = draw_frame(draws)
    form, size = draw_outline(draws)
    outline = Shared(form, 45.0)
    behind = draw_retroperitoneum(draws)
    # The lungs keep away from the liver's form; the liver, which is cut to its place, from the heart.
    chest = draw_chest(draws, frame, tissues, outline)
    neighbours = Neighbours(chest.heart, behind.right_kidney, behind.gallbladder, behind.cava)
    liver, portal = draw_liver(draws, frame, outline, size, neighbours)
    lesions = draw_lesions(draws, liver, tissues, wanted, least)
    metal = draw_metal(draws, frame)
    layers = [
        *surroundings(draws, frame),
        *wall_layers(draws, frame, tissues),
        *skeleton_layers(draws, frame, tissues),
        *abdomen_layers(draws, frame, tissues, liver, chest, behind),
        *chest.layers,
        *liver_layers(draws, liver, portal, tissues),
        *(layer for lesion in lesions for layer in lesion.layers),
        *(piece.layer for piece in metal),
    ]
    return Patient(tissues, layers, liver, lesions, metal, sharpness=draws.between(1, 3.5))
