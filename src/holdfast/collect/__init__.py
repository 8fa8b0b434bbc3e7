"""Collect: from a source, once, with everything that a court will ask about it."""
