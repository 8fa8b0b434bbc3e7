"""The workbench: pages over acts, for people in a browser."""
