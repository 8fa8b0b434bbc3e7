"""Serve the hostile site in a folder while a command runs; return the command's code.

The command finds the start page in HOSTILE_URL, the resolver's rules in HOSTILE_RESOLVER and the
good certificates' keys in HOSTILE_SPKI. What went over the wire is in `FOLDER/wire` afterwards.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from holdfast.testing.hostile.site import Site


def main(arguments: list[str]) -> int:
    """Serve while the command runs, or until somebody presses Enter."""
    folder, *command = arguments
    place = Path(folder)
    with Site.made(place).serving() as site:
        os.environ |= {
            "HOSTILE_URL": site.start_url,
            "HOSTILE_HOSTS": json.dumps(site.hosts),
            "HOSTILE_RESOLVER": site.resolver_rules,
            "HOSTILE_SPKI": site.spki,
        }
        if command:
            code = subprocess.run(command, check=False).returncode
        else:
            print(f"{site.start_url}\n--host-resolver-rules={site.resolver_rules}")
            print(f"--ignore-certificate-errors-spki-list={site.spki}")
            input("Enter to stop\n")
            code = 0
    site.wire.write(place / "wire")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
