"""Holdfast: the open platform of a cyber-crime unit."""

__version__ = "0.1.0"
