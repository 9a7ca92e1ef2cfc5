"""How well a segmentation agrees with its reference.

Dice per case and global Dice, surfaces and tumour burden are those of the LiTS challenge (Bilic et al. 2023,
doi:10.1016/j.media.2022.102680). Two things differ from its scorer. Overlap and distances of lesions are those of
all lesions of an exam as one mask, where the scorer averages over the single lesions that were found. And lesions
are paired one to one, as they are, where the scorer lets one region find several lesions, joins regions in one
lesion, and first thickens the reference by a pixel.
"""
