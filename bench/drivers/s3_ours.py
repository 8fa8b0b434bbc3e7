"""Put files into an S3 store as a collection does: staged, durable, sent, confirmed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from holdfast.vault import copying
from holdfast.vault.places import store_at


def main() -> None:
    """Put every file of a folder into the store at an address."""
    address, source, root = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    store = store_at(address, root)
    (root / "vault").mkdir(parents=True, exist_ok=True)
    store.create()
    intake = store.intake(os.urandom(4).hex())
    for path in sorted(source.iterdir()):
        with path.open("rb") as stream:
            descriptor = stream.fileno()
            intake.stage(lambda to, fd=descriptor: copying.copy(fd, to, None).object)  # type: ignore[misc]
    intake.flush()
    intake.admit(sorted(intake.staged))  # type: ignore[attr-defined]
    intake.close()


if __name__ == "__main__":
    main()
