"""Engines: one file a way of executing. `holdfast.examine.engine` says what they do."""
