"""Sets of known digests: built from others' lists, looked up by the million."""
