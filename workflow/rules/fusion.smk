rule fit_fusion:
    input:
        maps=voters_of("maps", "train"),
        data=data_to_fit("vote"),
    output:
        fusion=f"{RESULTS}/{{vote}}/{{stage}}.json",
        record=f"{RESULTS}/records/fit_fusion/{{stage}}.{{vote}}.json",
    log:
        f"{RESULTS}/logs/fit_fusion/{{stage}}.{{vote}}.log",
    priority: 50
    params:
        settings=settings_of("fit_fusion", "stage", "vote"),
        code=code_of("fit_fusion", "stage", "vote"),
        libraries=libraries_of("fit_fusion", "stage", "vote"),
        cache=cache_folder,
    script:
        "../scripts/fit_fusion.py"


rule fuse:
    input:
        fusion=f"{RESULTS}/{{vote}}/{{stage}}.json",
        masks=voters_of("clean"),
    output:
        maps=f"{RESULTS}/maps/{{stage}}/{{vote}}.{{split}}.npz",
        record=f"{RESULTS}/records/fuse/{{stage}}.{{vote}}.{{split}}.json",
    log:
        f"{RESULTS}/logs/fuse/{{stage}}.{{vote}}.{{split}}.log",
    priority: 50
    params:
        code=code_of("fuse"),
        libraries=libraries_of("fuse"),
    script:
        "../scripts/fuse.py"


rule average:
    input:
        maps=averaged_maps_of,
        seen=averaged_data_of,
        data=average_data_of,
    output:
        maps=f"{RESULTS}/maps/{{stage}}/{{average}}.{{split}}.npz",
        record=f"{RESULTS}/records/average/{{stage}}.{{average}}.{{split}}.json",
    log:
        f"{RESULTS}/logs/average/{{stage}}.{{average}}.{{split}}.log",
    priority: 50
    params:
        code=code_of("average"),
        libraries=libraries_of("average"),
    script:
        "../scripts/average.py"
