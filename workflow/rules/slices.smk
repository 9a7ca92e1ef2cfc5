# Slices wait for the survey to accept their exam, but do not depend on what it says.


rule liver_slices:
    input:
        image=image_of,
        label=training_label_of,
        accepted=ancient(f"{RESULTS}/exams/{{exam}}.json"),
    output:
        f"{RESULTS}/slices/liver/{{exam}}.safetensors",
    log:
        f"{RESULTS}/logs/liver_slices/{{exam}}.log",
    params:
        settings=settings_of("liver_slices"),
        code=code_of("liver_slices"),
    script:
        "../scripts/liver_slices.py"


rule lesion_slices:
    input:
        image=image_of,
        label=training_label_of,
        liver=fused_liver_of,
        accepted=ancient(f"{RESULTS}/exams/{{exam}}.json"),
    output:
        f"{RESULTS}/slices/lesion/{{exam}}.safetensors",
    log:
        f"{RESULTS}/logs/lesion_slices/{{exam}}.log",
    params:
        settings=settings_of("lesion_slices"),
        code=code_of("lesion_slices"),
    script:
        "../scripts/lesion_slices.py"
