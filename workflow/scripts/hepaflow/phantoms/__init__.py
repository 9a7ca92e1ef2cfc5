"""Synthetic CT exams of the upper abdomen, with reference labels, for the demo and the tests.

Every random parameter is drawn by :mod:`hepaflow.phantoms.drawing` and applied by
:mod:`hepaflow.phantoms.rendering`, so that any exam can be replayed, or changed in one respect.
"""
