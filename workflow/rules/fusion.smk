rule fit_fusion:
    input:
        masks=expand(f"{RESULTS}/masks/{{{{stage}}}}/{{backbone}}.train.npz", backbone=BACKBONES),
        slices=slices_of("train"),
    output:
        f"{RESULTS}/fusion/{{stage}}.json",
    log:
        f"{RESULTS}/logs/fit_fusion/{{stage}}.log",
    params:
        settings=settings_of("fit_fusion"),
        code=code_of("fit_fusion"),
    script:
        "../scripts/fit_fusion.py"


rule fuse:
    input:
        fusion=f"{RESULTS}/fusion/{{stage}}.json",
        masks=expand(
            f"{RESULTS}/clean/{{{{stage}}}}/{{backbone}}.{{{{split}}}}.npz",
            backbone=BACKBONES,
        ),
    output:
        f"{RESULTS}/masks/{{stage}}/{FUSION}.{{split}}.npz",
    log:
        f"{RESULTS}/logs/fuse/{{stage}}.{{split}}.log",
    params:
        code=code_of("fuse"),
    script:
        "../scripts/fuse.py"
