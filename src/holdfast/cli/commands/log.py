"""`log`: publish, stamp and serve the custody log. Its commands lie in `log_*.py`."""

from __future__ import annotations

import click

from holdfast.cli.commands import log_time


@click.group()
def log() -> None:
    """Have outsiders vouch for the custody log: time authorities."""


for _command in log_time.COMMANDS:
    log.add_command(_command)
