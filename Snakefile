# `snakemake` in this folder finds this file before the workflow's; an `include:` would leave it without a default target.
workflow.include("workflow/Snakefile", overwrite_default_target=True)
