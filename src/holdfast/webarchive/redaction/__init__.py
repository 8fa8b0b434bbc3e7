"""Copies of captures that lack secrets, and the proof that they lack nothing else."""
