"""All tables of cases, in the order of the page."""

import images
import labels
from sheets import SHEETS
from test_screen import SCREEN

TABLES = (
    images.FILES,
    images.ARRAYS,
    images.HEADERS,
    images.VALUES,
    labels.LABEL_MAPS,
    labels.OTHERS,
    SHEETS,
    SCREEN,
)
