"""Programs that are run as children, to time the custody log without the command line's start."""
