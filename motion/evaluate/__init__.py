"""Metrics, programmatic checks of motions, and protocols."""
