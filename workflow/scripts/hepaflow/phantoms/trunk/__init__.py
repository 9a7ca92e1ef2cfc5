"""Synthetic CT of the whole trunk, from the thighs to the neck, drawn from ranges wider than nature's.

A patient is a list of layers that are painted one over the other. :mod:`~hepaflow.phantoms.trunk.shapes` has the
distance functions, the modules of the body's regions draw them, :mod:`~hepaflow.phantoms.trunk.scanner` makes an
exam of them. Everything is PyTorch, so that it runs in loading processes or on a GPU.
"""
