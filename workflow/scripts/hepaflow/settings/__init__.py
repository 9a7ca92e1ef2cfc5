"""Typed settings, one module for each noun; :mod:`hepaflow.settings.workflow` assembles them."""
