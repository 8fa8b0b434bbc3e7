"""Capture what a real browser is served: every exchange, what was seen, and what is missing."""
