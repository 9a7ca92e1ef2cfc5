"""Segmentation of the liver and its lesions in CT exams by four fused networks."""
