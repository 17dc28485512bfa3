"""Raises while it is imported."""

raise RuntimeError("the model file is missing")
