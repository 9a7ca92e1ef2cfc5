"""Files by the names of the plan: what each stage of each method is made from."""

from hepaflow.jobs.limits import slices_seen
from hepaflow.methods.plan import data_for, depth, joined_by, learns_from_exams, predictions_of, stages_of
from hepaflow.networks.operations import GMACS

# Places. Names in them are those of the plan: of data, of a stage and a method, of an exam or a split.


def data_file(data, exam):
    """Return where the preprocessed data of an exam are."""
    return f"{RESULTS}/preprocessed/{data}/{exam}.safetensors"


def masks_file(folder, stage, method, split):
    """Return where a method's maps (`maps`) or masks (`clean`) of a split's exams are."""
    return f"{RESULTS}/{folder}/{stage}/{method}.{split}.npz"


def network_file(stage, network):
    """Return where the weights of a network are."""
    return f"{RESULTS}/models/{stage}/{network}.safetensors"


def vote_file(stage, vote):
    """Return where the weights of a vote are."""
    return f"{RESULTS}/{vote}/{stage}.json"


def _exams_of(method, stage, split):
    """Return the preprocessed exams of a split on which a stage of a method finds something."""
    data = data_for(PLAN, method, stage, split)
    return [data_file(data, exam) for exam in EXAMS.names(split)]


# What a run computes.

STAGES_OF_RUN = [stage for stage in SHOWS if any(stage in PLAN.methods[one] for one in NETWORKS)]
TRAINED = [(network, stage) for stage in STAGES_OF_RUN for network in NETWORKS if stage in PLAN.methods[network]]


def planned(wildcards, method="network"):
    """Return a stage of a method: of the wildcard of this name."""
    return PLAN.methods[getattr(wildcards, method)][wildcards.stage]


PREDICTED = predictions_of(PLAN)
PREPROCESSED = sorted(
    {
        (data_for(PLAN, method, stage, split), exam)
        for method, stage, split in (
            *PREDICTED,
            *((*step, "train") for step in networks_of(PLAN) if learns_from_exams(PLAN, *step)),
            *((*step, "test") for step in averages_of(PLAN)),
        )
        for exam in EXAMS.names(split)
    }
)


# Inputs of the rules that make masks.


def region_of(wildcards):
    """Return the masks that an exam's data lie around; nothing for training exams, which have labels."""
    within, split = PLAN.data[wildcards.data].within, EXAMS[wildcards.exam].split
    return masks_file("clean", within.stage, within.method, split) if within and split != "train" else []


def region_data_of(wildcards):
    """Return the data on which `region_of` was found."""
    within, split = PLAN.data[wildcards.data].within, EXAMS[wildcards.exam].split
    if not within or split == "train":
        return []
    return data_file(data_for(PLAN, within.method, within.stage, split), wildcards.exam)


def data_to_fit(method):
    """Return the preprocessed training exams of the wildcard's network, or of its vote; none where phantoms are drawn."""

    def files(wildcards):
        name, stage = getattr(wildcards, method), wildcards.stage
        drawn = method == "network" and not learns_from_exams(PLAN, name, stage)
        return [] if drawn else _exams_of(name, stage, "train")

    return files


def data_of(wildcards):
    """Return the preprocessed exams of a split, as a network sees them."""
    return _exams_of(wildcards.network, wildcards.stage, wildcards.split)


def start_of(wildcards):
    """Return the network of an earlier stage that a network starts from, if it does."""
    start = planned(wildcards).training.start
    return network_file(start, wildcards.network) if start else []


def histories_of(wildcards):
    """Return the histories of all trainings of the wildcard's stage."""
    stage = wildcards.stage
    return [f"{RESULTS}/models/{stage}/{network}.history.csv" for network, one in TRAINED if one == stage]


def region_to_clean(wildcards):
    """Return the masks of an earlier stage that the post-processing of a method looks at; nothing if it does not."""
    region = planned(wildcards, "method").region
    return masks_file("clean", region.stage, region.method, wildcards.split) if region else []


def region_data_to_clean(wildcards):
    """Return the exams on which `region_to_clean` was found."""
    region = planned(wildcards, "method").region
    return _exams_of(region.method, region.stage, wildcards.split) if region else []


def data_to_clean(wildcards):
    """Return the exams that the method itself sees, where its post-processing looks at a region; else nothing."""
    region = planned(wildcards, "method").region
    return _exams_of(wildcards.method, wildcards.stage, wildcards.split) if region else []


def voters_of(folder, split=None):
    """Return the maps or masks of every method that is fused, of a split or the wildcard's, for its stage."""
    return lambda wildcards: [
        masks_file(folder, wildcards.stage, method, split or wildcards.split)
        for method in planned(wildcards, "vote").vote.of
    ]


def averaged_maps_of(wildcards):
    """Return the maps that the wildcard's average is of, for its stage and split."""
    return [
        masks_file("maps", wildcards.stage, method, wildcards.split)
        for method in joined_by(planned(wildcards, "average"))
    ]


def averaged_data_of(wildcards):
    """Return the data on which the maps lie, exam by exam, in the order of `averaged_maps_of`."""
    return [
        data_file(data_for(PLAN, method, wildcards.stage, wildcards.split), exam)
        for exam in EXAMS.names(wildcards.split)
        for method in joined_by(planned(wildcards, "average"))
    ]


def average_data_of(wildcards):
    """Return the data on which the wildcard's average lies, exam by exam."""
    return _exams_of(wildcards.average, wildcards.stage, wildcards.split)


# Inputs of the rules that take one exam to its own grid.


def found_by(folder, *methods):
    """Return the maps or masks that hold an exam's, by these methods or the wildcard's, a structure after the other."""

    def files(wildcards):
        chosen, split = methods or (wildcards.method,), EXAMS[wildcards.exam].split
        return [
            masks_file(folder, stages_of(PLAN, method)[structure], method, split)
            for structure in STRUCTURES
            for method in chosen
        ]

    return files


def grids_of(method=None):
    """Return the data on which a method, or the wildcard's, found the structures of an exam, one after the other."""

    def files(wildcards):
        chosen, split = method or wildcards.method, EXAMS[wildcards.exam].split
        stages = stages_of(PLAN, chosen)
        return [
            data_file(data_for(PLAN, chosen, stages[structure], split), wildcards.exam) for structure in STRUCTURES
        ]

    return files


def raw_maps_of(wildcards):
    """Return `found_by` of the wildcard's method before post-processing; a vote or an average is not scored so."""
    return found_by("maps")(wildcards) if wildcards.method in NETWORKS else []


def fused_masks_of(wildcards):
    """Return the post-processed masks of every fused network that hold an exam's, for the wildcard's stage."""
    return [masks_file("clean", wildcards.stage, network, EXAMS[wildcards.exam].split) for network in FUSED]


def fused_data_of(wildcards):
    """Return the data of an exam on which the fused networks see it, for the wildcard's stage."""
    return data_file(data_for(PLAN, FUSION, wildcards.stage, EXAMS[wildcards.exam].split), wildcards.exam)


# Results of all methods.


def metrics_of(*methods):
    """Return the scores of some methods on the test exams, exam by exam."""
    return [f"{RESULTS}/metrics/{method}/{exam}.csv" for exam in EXAMS.names("test") for method in methods]


def segmentations_of(*splits):
    """Return the segmentations of every method for the exams of some splits."""
    return [
        f"{RESULTS}/segmentations/{method}/{exam}.nii.gz" for method in METHODS for exam in EXAMS.names(*splits)
    ]


def test_segmentations_of(wildcards):
    """Return the segmentations of the test exams by every method that has the wildcard's structure; others' last."""
    others = [name for name, structures in GIVEN.items() if wildcards.structure in structures]
    return [
        f"{RESULTS}/segmentations/{method}/{exam}.nii.gz"
        for method in [*METHODS, *others]
        for exam in EXAMS.names("test")
    ]


def disagreements_of(*splits):
    """Return the maps of the fused networks' disagreement for the exams of some splits; none without a fusion."""
    stages = STAGES if FUSED else ()
    return [f"{RESULTS}/disagreement/{stage}/{exam}.nii.gz" for stage in stages for exam in EXAMS.names(*splits)]


# What goes first: what others wait for, and the long before the short (see `priority_of_exam`).


def priority_of_data(wildcards):
    """Return the priority of preprocessing: training exams before others.

    Of training exams, an earlier stage goes first, as its networks are trained first; of others a later one, which is
    nearer to the end.
    """
    later = 0
    within = PLAN.data[wildcards.data].within
    if within is not None:
        later = 1 + depth(PLAN, within.method, within.stage)
    return max(0, 60 - 25 * later if EXAMS[wildcards.exam].split == "train" else 15 * later)


def priority_of_training(wildcards):
    """Return the priority of a training: those of earlier stages first, and of a stage's the longest."""

    def cost(network):
        return GMACS.get(ARCHITECTURES[network], 0) * slices_of(wildcards.stage, network)

    longest = max(1, *(cost(network) for network, stage in TRAINED if stage == wildcards.stage))
    later = depth(PLAN, wildcards.network, wildcards.stage)
    return max(0, 40 - 20 * later) + round(9 * cost(wildcards.network) / longest)


def priority_of_prediction(wildcards):
    """Return the priority of a prediction: behind the trainings of its stage, before those of the next."""
    return max(0, 30 - 20 * depth(PLAN, wildcards.network, wildcards.stage))


def slices_of(stage, network):
    """Return about how many slices a training shows to its network."""
    training = JOB_SETTINGS.train(stage, network).training
    exams = len(EXAMS.names("train"))
    return slices_seen(exams, training.epochs, training.batches_per_epoch, training.batch_size)
