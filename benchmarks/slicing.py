"""Slices of a large exam: the liver's beside reading alone and the plain way, the lesions' beside scikit-image."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from skimage.exposure import equalize_adapthist
from skimage.transform import resize

from benchmarks.exams import write_exam
from benchmarks.scale import Scale
from benchmarks.side_by_side import Comparison, in_turn
from hepaflow.preprocessing.contrast import fill_background
from hepaflow.preprocessing.lesion_slices import lesion_slices
from hepaflow.preprocessing.liver_slices import liver_slices
from hepaflow.preprocessing.slices import FULL, SliceStack
from hepaflow.preprocessing.voi import volume_of_interest
from hepaflow.preprocessing.window import window
from hepaflow.settings.contrast import ContrastSettings, LesionSlicesSettings
from hepaflow.settings.slices import LiverSlicesSettings, WindowSettings
from hepaflow.volumes.labels import read_labels
from hepaflow.volumes.resize import resize_image, resize_mask
from hepaflow.volumes.volume import read_image

SIZE = 256
WINDOW = WindowSettings()
SCIKIT_IMAGE = "scikit-image on one core, resize and CLAHE"


def slice_exam(image: Path, output: Path) -> SliceStack:
    """Do what the rule `preprocess` does for the liver of a test exam."""
    hu, _ = read_image(image)
    stack = liver_slices(hu, None, LiverSlicesSettings(window=WINDOW, size=SIZE))
    stack.save(output)
    return stack


def read_with_nibabel(image: Path) -> None:
    """Read the voxels as they are."""
    np.asarray(nib.Nifti1Image.from_filename(image).dataobj)


def slice_plainly(image: Path, folder: Path) -> None:
    """Window every slice, resize it with scikit-image, and write a file for it."""
    folder.mkdir(exist_ok=True)
    volume = nib.as_closest_canonical(nib.load(image)).get_fdata(dtype=np.float32)
    for index in range(volume.shape[2]):
        one = (np.clip(volume[..., index], WINDOW.low, WINDOW.high) - WINDOW.low) / (WINDOW.high - WINDOW.low)
        np.save(folder / f"{index}.npy", resize(one.T, (SIZE, SIZE), order=1, anti_aliasing=True))


def enhance_with_scikit_image(
    hu: np.ndarray, liver: np.ndarray, resized: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Crop, resize, fill and equalise slice by slice; `resized` resizes an image."""
    box = volume_of_interest(liver)
    slices = []
    for one, inside in zip(box.crop(hu), box.crop(liver), strict=True):
        image = fill_background(resized(window(one, WINDOW)), resize_mask(inside, (SIZE, SIZE)))
        slices.append(equalize_adapthist(image) if image.min() < image.max() else image)
    return np.stack(slices)


def peak_memory_mib(image: Path, output: Path) -> int:
    """Return the largest resident memory of a process of its own that slices the exam."""
    code = (
        "import resource, sys; from pathlib import Path; from benchmarks.slicing import slice_exam;"
        "slice_exam(Path(sys.argv[1]), Path(sys.argv[2]));"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = subprocess.run([sys.executable, "-c", code, image, output], capture_output=True, text=True, check=True)
    return int(done.stdout) // 1024


def measure(scratch: Path, scale: Scale) -> list[Comparison]:
    """Compare both kinds of slices."""
    image, label = write_exam(scratch, scale.slices)
    output = scratch / "slices.safetensors"
    memory = peak_memory_mib(image, output)
    exam = f"512×512×{scale.slices}"
    found = [
        in_turn(
            f"slicing {exam}: read, orient, window, resize, write",
            "nibabel, reading alone",
            "≥ 0.67",
            lambda: slice_exam(image, output),
            lambda: read_with_nibabel(image),
            rounds=scale.rounds,
            note=f"peak memory {memory} MiB, imports included (aim: 1536)",
        ),
        in_turn(
            f"slicing {exam}",
            "scikit-image slice by slice, a file a slice",
            "≥ 3",
            lambda: slice_exam(image, output),
            lambda: slice_plainly(image, scratch / "plain"),
            rounds=min(scale.rounds, 3),
            warm=False,
        ),
    ]
    hu, grid = read_image(image)
    labels, _ = read_labels(label, exam="", image=grid)
    middle = slice(len(hu) // 2 - scale.lesion_slices // 2, len(hu) // 2 + scale.lesion_slices // 2)
    hu, liver = hu[middle], labels[middle] >= 1
    settings = LesionSlicesSettings(window=WINDOW, size=SIZE, contrast=ContrastSettings())
    ours = lesion_slices(hu, liver, None, settings).image / FULL
    theirs = enhance_with_scikit_image(hu, liver, lambda one: resize_image(one, (SIZE, SIZE)))
    difference = np.abs(ours - theirs).max()
    if difference > 1e-3:
        raise AssertionError(f"lesion slices differ by {difference} from scikit-image's")
    threads = torch.get_num_threads()

    def by_pillow(one: np.ndarray) -> np.ndarray:
        return resize_image(one, (SIZE, SIZE))

    def by_scikit_image(one: np.ndarray) -> np.ndarray:
        resized: np.ndarray = resize(one, (SIZE, SIZE), order=1, anti_aliasing=True)
        return resized.astype(np.float32)

    cores, same = f"{threads} threads", f"largest difference {difference:.1e}, storing in 16 bits included"
    found += [
        in_turn(
            f"lesion slices, {scale.lesion_slices} of them, on {own}: crop, resize, mean-fill, CLAHE",
            rival,
            aim,
            partial(lesion_slices, hu, liver, None, settings, threads=count),
            partial(enhance_with_scikit_image, hu, liver, resized),
            rounds=scale.rounds,
            note=note,
        )
        for own, count, rival, resized, aim, note in (
            (
                cores,
                threads,
                "scikit-image's CLAHE on one core, resized by Pillow as ours",
                by_pillow,
                "≥ 3",
                same,
            ),
            (cores, threads, SCIKIT_IMAGE, by_scikit_image, "≥ 3", "another resizing kernel"),
            ("one thread", 1, SCIKIT_IMAGE, by_scikit_image, "", "another resizing kernel"),
        )
    ]
    return found
