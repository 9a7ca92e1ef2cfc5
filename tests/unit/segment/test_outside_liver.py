"""What lies farther from the liver than a lesion of it can be is found, to the voxel."""

import numpy as np
import pytest
from scipy import ndimage

from hepaflow.segment.outside_liver import Outside, near_liver, without_outside

SPACING = (5.0, 0.8, 0.7)
SHAPE = (12, 60, 70)


def _masks() -> tuple[np.ndarray, np.ndarray]:
    liver = np.zeros(SHAPE, bool)
    liver[3:8, 20:40, 20:45] = True
    return liver, np.random.default_rng(0).random(SHAPE) > 0.7


@pytest.mark.parametrize("margin", [0.0, 2.0, 5.0, 10.0, 1000.0])
def test_it_is_the_liver_dilated_by_millimetres(margin: float) -> None:
    liver, lesion = _masks()
    dilated = ndimage.distance_transform_edt(~liver, sampling=SPACING) <= margin
    np.testing.assert_array_equal(near_liver(liver, lesion, SPACING, margin=margin), lesion & dilated)


def test_slabs_of_slices_change_nothing() -> None:
    spacing = (4.0, 3.0, 3.0)  # 3-4-5: distances of exactly 10 mm, and slabs of five slices
    random = np.random.default_rng(1)
    liver, lesion = random.random((23, 20, 20)) > 0.998, random.random((23, 20, 20)) > 0.3
    distance = ndimage.distance_transform_edt(~liver, sampling=spacing)
    assert (distance == 10).any()
    near = near_liver(liver, lesion, spacing)
    np.testing.assert_array_equal(near, lesion & (distance <= 10))
    assert 0 < np.count_nonzero(near & ~liver) < np.count_nonzero(lesion)


def test_a_lesion_in_the_liver_is_left_as_it_is() -> None:
    liver, lesion = _masks()
    kept, outside = without_outside(liver, lesion & liver, SPACING)
    np.testing.assert_array_equal(kept, lesion & liver)
    assert outside == Outside(0, 0, True)


def test_a_lesion_that_bulges_out_stays_and_one_outside_of_the_body_goes() -> None:
    liver, lesion = _masks()
    lesion[:] = False
    lesion[5, 36:50, 30] = True  # 10 of 14 pixels lie outside, 0.8 to 8 mm from the liver
    lesion[0, 0:3, 0:3] = True
    kept, outside = without_outside(liver, lesion, SPACING)
    assert outside == Outside(9, 1, True)
    assert kept[5, 36:50, 30].all()
    assert not kept[0].any()
    all_of_it, told = without_outside(liver, lesion, SPACING, keep=True)
    np.testing.assert_array_equal(all_of_it, lesion)
    assert told == Outside(9, 1, False)


def test_without_millimetres_nothing_is_left_out() -> None:
    liver, lesion = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    liver[3:8, 20:40, 20:45] = True
    lesion[5, 36:50, 30] = True  # 4 voxels lie in the liver
    lesion[0, 0:3, 0:3] = True
    kept, outside = without_outside(liver, lesion, None)
    np.testing.assert_array_equal(kept, lesion)
    assert outside == Outside(10 + 9, 1, False, None)


def test_without_a_liver_there_is_no_lesion_of_it() -> None:
    _, lesion = _masks()
    kept, outside = without_outside(np.zeros(SHAPE, bool), lesion, SPACING)
    assert not kept.any()
    assert outside.voxels == lesion.sum()
