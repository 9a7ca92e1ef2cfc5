"""All tables of cases, in the order of the page."""

import comparisons
import dicom_in
import folders
import geometry
import images
import labels
import own_exams
import pairs
from environment import ENVIRONMENT, EQUAL, WHOLE
from sheets import SHEETS
from test_damage import DAMAGE
from test_inputs_of_runs import INPUTS
from test_jobs import JOBS
from test_networks import NETWORKS
from test_other_commands import OTHER_COMMANDS
from test_resources import RESOURCES
from test_runs import RUNS
from test_screen import SCREEN
from test_security import SECURITY
from test_trainings import TRAININGS

TABLES = (
    images.FILES,
    images.ARRAYS,
    images.HEADERS,
    geometry.GEOMETRY,
    images.VALUES,
    *dicom_in.TABLES,
    labels.LABEL_MAPS,
    pairs.PAIRS,
    labels.OTHERS,
    comparisons.COMPARISONS,
    SHEETS,
    folders.INDEXED,
    folders.SOURCES,
    folders.WRONG_VALUES,
    INPUTS,
    NETWORKS,
    SCREEN,
    OTHER_COMMANDS,
    RUNS,
    DAMAGE,
    RESOURCES,
    TRAININGS,
    JOBS,
    SECURITY,
    ENVIRONMENT,
    WHOLE,
    EQUAL,
    own_exams.OWN_EXAMS,
)
