from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest

from holdfast.collect.web import chromium
from holdfast.testing.hostile.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.testing.hostile.wire import Wire


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A hostile site that serves."""
    with Site.made(tmp_path_factory.mktemp("site")).serving() as serving:
        yield serving


@dataclass(frozen=True)
class Chain:
    """The hostile site, captured with the real command, the real browser and the real guard."""

    wacz: Path
    wire: Wire
    start: str
    row: dict[str, object]
    """What the command says of the item."""


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """Capture the start page once, for all tests."""
    if not any(map(shutil.which, chromium.PLACES)) or not shutil.which("certutil"):
        pytest.skip("no Chromium or no certutil: apt-get install chromium libnss3-tools")
    folder = tmp_path_factory.mktemp("chain")
    with Site.made(folder / "site").serving() as site:
        holdfast = _Holdfast(folder)
        holdfast("init", "--origin", "chain.example/unit")
        case = holdfast(
            *("case", "open", "--title", "T", "--basis", "B", "--authority", "A"),
            *("--until", "2999-12-31", "--json"),
            *(
                word
                for host in (*site.hosts, *set(site.hosts.values()))
                for word in ("--scope", host)
            ),
        )["case"]
        row = holdfast(
            *("collect", "web", "--case", str(case), "--json", "--trust", str(site.root_file)),
            *(word for named in site.named for word in ("--resolve", named)),
            site.start_url,
        )
        start = site.start_url
    item = str(row["item"])
    copy = folder / "capture.wacz"
    shutil.copy(folder / "vault" / "vault" / "objects" / item[:2] / item, copy)
    return Chain(copy, site.wire, start, row)


class _Holdfast:
    def __init__(self, folder: Path) -> None:
        self.program = [sys.executable, "-m", "holdfast.cli.main"]
        self.program += ["--vault", str(folder / "vault"), "--operator", "alice"]
        self.environment = {
            name: value for name, value in os.environ.items() if name[:9] != "HOLDFAST_"
        } | {
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
            "PYTHONPATH": str(Path("src").absolute()),
        }

    def __call__(self, *arguments: str) -> dict[str, object]:
        done = subprocess.run(
            [*self.program, *arguments], env=self.environment, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return dict(orjson.loads(done.stdout)) if "--json" in arguments else {}
