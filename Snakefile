"""hepaflow: from CT exams to segmentations of the liver and its lesions, and their Dice (thesis, chapter 4)."""

from snakemake.utils import min_version

min_version("9.27")


# The thesis on LiTS17, unless --configfile names another run. Absent keys are the thesis' in either case.
if not workflow.configfiles:

    configfile: "config/config.yaml"


# For `snakemake --sdm apptainer`; envs/hepaflow.def builds it.
container: "envs/hepaflow.sif"


include: "workflow/rules/common.smk"
include: "workflow/rules/plan.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/exams.smk"
include: "workflow/rules/preprocessed.smk"
include: "workflow/rules/networks.smk"
include: "workflow/rules/fusion.smk"
include: "workflow/rules/segmentations.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/viewer.smk"
include: "workflow/rules/model.smk"
include: "workflow/rules/provenance.smk"
include: "workflow/rules/pages.smk"
include: "workflow/rules/report.smk"


report: "workflow/report/workflow.rst"


localrules:
    all,
    html_report,


onstart:
    warn_of_the_environment()
    keep_what_is_no_phantom()
    read_no_file_of_the_future()
    see_that_torch_sees_the_gpus()
    end_orphans_of_this_folder()
    let_trainings_go_on()


onsuccess:
    remove_states_of_finished_trainings()


rule all:
    default_target: True
    input:
        rules.html_report.output,
        NEW_EXAMS,
        EVERYTHING,
        # A job that failed has no record. Asked for it, Snakemake runs the job again, and all that follows from it;
        # without being asked, it would not miss what failed where later results, of an earlier run, are all there.
        RECORDS,
        PHANTOM_RECORDS,
