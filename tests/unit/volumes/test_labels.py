"""Label maps and the masks in them. How they are read from files is in `test_volume.py`, beside images."""

import numpy as np

from hepaflow.volumes.labels import LABELS, label_map, structure_mask


def test_the_liver_includes_its_lesions() -> None:
    labels = np.array([[0, 1], [2, 1]], np.uint8)
    assert structure_mask(labels, "liver").tolist() == [[False, True], [True, True]]
    assert structure_mask(labels, "lesion").tolist() == [[False, False], [True, False]]


def test_masks_of_a_label_map_give_it_back() -> None:
    labels = np.random.default_rng(0).integers(0, len(LABELS), (3, 4, 5)).astype(np.uint8)
    np.testing.assert_array_equal(
        label_map(structure_mask(labels, "liver"), structure_mask(labels, "lesion")), labels
    )


def test_label_map_joins_both_stages() -> None:
    liver = np.array([[[0, 0, 1, 1]]], bool)
    lesion = np.array([[[0, 1, 0, 1]]], bool)
    labels = label_map(liver, lesion)
    assert labels.dtype == np.uint8
    assert labels.tolist() == [[[0, 2, 1, 2]]]
    assert liver.tolist() == [[[0, 0, 1, 1]]]
    np.testing.assert_array_equal(labels >= 1, liver | lesion)
