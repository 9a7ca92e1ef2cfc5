"""How well a segmentation agrees with its reference, as the LiTS challenge measures it."""
