"""Segmentation of a user's own exams."""
