"""Measurements: how fast, how much memory, how long one waits."""
