"""Run holdfast as another account: `python -m tests.witness.as_user ACCOUNT ARGUMENT...`.

The interpreter may lie where that account can't read (a developer's home), so all that is needed
is loaded first and the account changed then, for good, groups included.
"""

from __future__ import annotations

import importlib
import os
import pwd
import sys

_LOADED = (
    "encodings.idna",
    "holdfast.cli.commands.log",
    "holdfast.cli.commands.witness",
    "holdfast.core.listening",
    "holdfast.witness.serving",
    "holdfast.witness.state",
    "http.client",
)


def main() -> int:
    """Load, become the account, run."""
    from holdfast.cli.main import run  # noqa: PLC0415

    account = pwd.getpwnam(sys.argv[1])
    for name in _LOADED:
        importlib.import_module(name)
    os.setgroups([])
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    return run(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
