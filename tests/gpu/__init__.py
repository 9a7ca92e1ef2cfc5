"""Trainings and predictions on a GPU, checked and measured: `make test-gpu`, or `python -m gpu.measure`.

The measuring part needs neither pytest nor the locked environment, so it runs where there is little beside torch.
"""
