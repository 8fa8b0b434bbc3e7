"""The WARC checkers in use, run on what we write."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def check(path: Path) -> None:
    """Run the checkers on a WARC."""
    for tool in (["warcio", "check"], ["fastwarc", "check"]):
        hidden = "sys.modules['brotli'] = None; " if tool[0] == "warcio" else ""
        module = [
            sys.executable,
            "-c",
            # warcio can't use the brotli that FastWARC brings; without, it reads such bodies raw.
            f"import sys; {hidden}from {tool[0]}.cli import main; sys.exit(main())",
        ]
        done = subprocess.run(
            [*module, tool[1], str(path)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "failed sha256" not in done.stdout + done.stderr
