"""A process that folds a vault's log into its database, as soon as it is told to.

python folder.py ROOT
"""

from __future__ import annotations

import sys
from pathlib import Path

from holdfast.vault import projection
from holdfast.vault.vault import Vault


def main() -> None:
    projection.GROUP = 50
    vault = Vault.open(Path(sys.argv[1]))
    head = vault.log.head()
    vault.engine.connect().close()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    projection.catch_up(vault.engine, vault.log, head)


if __name__ == "__main__":
    main()
