"""The segmentation networks: ImageNet backbones with a DeepLabV3 head (thesis 3.4, 3.5, 4.4), and others."""
