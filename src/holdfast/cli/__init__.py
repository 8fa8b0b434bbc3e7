"""The command line: one file per command group, each a thin cover over acts."""
