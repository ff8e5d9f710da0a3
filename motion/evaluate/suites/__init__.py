"""Suites of measurements, one module each: what they are given and give back is in ``records``."""
