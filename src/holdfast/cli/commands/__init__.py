"""The commands. A module here is loaded when one of its commands is called, not before."""
