rule fit_fusion:
    input:
        masks=expand(f"{RESULTS}/masks/{{{{stage}}}}/{{backbone}}.train.npz", backbone=BACKBONES),
        slices=slices_of("train"),
    output:
        fusion=f"{RESULTS}/fusion/{{stage}}.json",
        record=f"{RESULTS}/records/fit_fusion/{{stage}}.json",
    log:
        f"{RESULTS}/logs/fit_fusion/{{stage}}.log",
    priority: 50
    params:
        settings=settings_of("fit_fusion"),
        code=code_of("fit_fusion"),
        libraries=libraries_of("fit_fusion"),
        cache=cache_folder,
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
        masks=f"{RESULTS}/masks/{{stage}}/{FUSION}.{{split}}.npz",
        record=f"{RESULTS}/records/fuse/{{stage}}.{{split}}.json",
    log:
        f"{RESULTS}/logs/fuse/{{stage}}.{{split}}.log",
    priority: 50
    params:
        code=code_of("fuse"),
        libraries=libraries_of("fuse"),
    script:
        "../scripts/fuse.py"
