"""Ctrl-C in the middle of an import: the module is whole before it is raised."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULE = """
import os, signal
os.kill(os.getpid(), signal.SIGINT)
for _ in range(100_000):
    pass
WHOLE = True
"""
PROGRAM = """
import signal, sys, time
from holdfast.cli import interrupts
interrupts.wait_for_imports()
try:
    import interrupted
    signal.pause()
except KeyboardInterrupt:
    print(getattr(sys.modules.get("interrupted"), "WHOLE", False))
"""


LOADED = """
import sys
import holdfast.cli.main
print([name for name, module in sys.modules.items()
       if "site-packages" in (where := getattr(module, "__file__", None) or "")
       and where.endswith(".so")])
"""


def test_nothing_compiled_is_imported_before_interrupts_wait() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, check=True, text=True
    )
    assert done.stdout == "[]\n"


def test_an_interrupt_waits_for_the_import(tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(MODULE)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        check=True,
        env={"PYTHONPATH": f"{ROOT / 'src'}:{tmp_path}"},
        text=True,
    )
    assert done.stdout == "True\n"
