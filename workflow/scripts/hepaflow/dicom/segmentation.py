"""The result as a DICOM Segmentation that a viewer lays over the CT."""

from collections.abc import Mapping
from pathlib import Path

import highdicom
import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from hepaflow.dicom.derived import MAKER, SEGMENTATION_RAISE, SERIAL_NUMBER, Remarks, on_slices
from hepaflow.dicom.geometry import Plane
from hepaflow.dicom.series import Series
from hepaflow.dicom.source import in_silence, raised, slice_distance
from hepaflow.version import version
from hepaflow.volumes.volume import Grid

LIVER, LESION = 1, 2
"""Segment numbers."""


def write_segmentation(
    path: Path,
    labels: NDArray[np.uint8],
    grid: Grid,
    series: Series,
    *,
    parameters: Mapping[str, str] | None = None,
    remarks: Remarks | None = None,
) -> None:
    """Write a label map as DICOM Segmentation: binary, with the overlapping segments Liver and Lesion.

    Parameters
    ----------
    path : Path
        File to write, `.dcm`.
    labels : ndarray of uint8, shape (slices, rows, columns)
        0 background, 1 liver, 2 lesion, in canonical orientation. The segment Liver includes the lesions.
    grid : Grid
        The grid of the series.
    series : Series
        The CT series, as `read_series` returns it. Study, patient and frame of reference are taken from it, and
        every frame refers to the slice that it was made from.
    parameters : mapping of str to str, optional
        What identifies the networks, for instance the hash of their weights; stands with the algorithm.
    remarks : Remarks, optional
        What the model was made from; stands in the descriptions of the series, the object and its segments.

    Notes
    -----
    Frames without a voxel are left out. Where a whole segment is empty, both have frames from the first to the
    last marked slice, or of all slices where none is: a segment without any frame is allowed, and says "looked for
    and not found", but viewers have stumbled over it.
    """
    remarks = remarks or Remarks()
    own = on_slices(labels, grid, series)
    distance = slice_distance(series)
    shown = _shown(own)
    masks = np.stack([own[shown] >= LIVER, own[shown] == LESION], axis=-1)
    algorithm = highdicom.AlgorithmIdentificationSequence(
        name=MAKER,
        family=codes.DCM.ArtificialIntelligence,
        version=version(),
        parameters=dict(parameters) if parameters else None,
    )
    segments = [
        SegmentDescription(
            segment_number=LIVER,
            segment_label="Liver",
            segmented_property_category=codes.SCT.AnatomicalStructure,
            segmented_property_type=codes.SCT.Liver,
            display_color=CIELabColor.from_rgb(0, 255, 0),
            algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm_identification=algorithm,
        ),
        SegmentDescription(
            segment_number=LESION,
            segment_label="Lesion",
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=codes.SCT.Lesion,
            anatomic_regions=[codes.SCT.Liver],
            display_color=CIELabColor.from_rgb(255, 0, 0),
            algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm_identification=algorithm,
        ),
    ]
    for segment, what in zip(segments, ("The liver with its lesions", "Lesions"), strict=True):
        segment.SegmentDescription = remarks.text(what)
    with in_silence():
        segmentation = Segmentation(
            source_images=series.headers,
            pixel_array=masks,
            plane_positions=[
                highdicom.PlanePositionSequence("PATIENT", header.ImagePositionPatient)
                for header in series.headers[shown]
            ],
            segmentation_type=SegmentationTypeValues.BINARY,
            segment_descriptions=segments,
            series_instance_uid=generate_uid(),
            series_number=raised(series, SEGMENTATION_RAISE),
            sop_instance_uid=generate_uid(),
            instance_number=1,
            manufacturer=MAKER,
            manufacturer_model_name=MAKER,
            software_versions=version(),
            device_serial_number=SERIAL_NUMBER,
            content_label="LIVER_LESIONS",
            content_description=remarks.noticed("Liver, lesions"),
            series_description=remarks.line("Liver and lesions"),
            omit_empty_frames=bool(masks.any(axis=(0, 1, 2)).all()),
        )
        # Readers take a voxel's height from either length, and the CT's slices may overlap or leave gaps.
        segmentation.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence = highdicom.PixelMeasuresSequence(
            Plane.of(series.headers[0]).spacing, slice_thickness=distance, spacing_between_slices=distance
        )
        segmentation.ContentCreatorName = ""  # nobody; must be there
        segmentation.save_as(path)


def _shown(labels: NDArray[np.uint8]) -> slice:
    """Return the slices to make frames of, the first to the last marked one; all, where none is.

    Of each voxel that it is given, highdicom makes eight bytes.
    """
    marked = np.flatnonzero(labels.any(axis=(1, 2)))
    return slice(int(marked[0]), int(marked[-1]) + 1) if marked.size else slice(0, len(labels))
