"""Decode a NetLog into a folder, in the confined child; print what came of it.

python web_decode.py LOG OUT
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from holdfast.collect.web.decode import Settings, decode


def main(arguments: list[str]) -> int:
    """Do it."""
    log, out = map(Path, arguments)
    began = time.monotonic()
    summary = decode(log, None, out, settings=Settings())
    told = {
        "lossy": summary.lossy,
        "seconds": time.monotonic() - began,
        "stored": summary.stored,
    }
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
