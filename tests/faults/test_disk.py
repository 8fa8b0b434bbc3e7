"""The disk full in the middle: one line naming the disk, nothing lost, and repeating completes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.line import Line

ROOT = Path(__file__).parents[2]

ON_A_SMALL_DISK = """
set -eu
mount -t tmpfs -o size=6m,mode=755 holdfast-test "$DISK"
cp -r "$VAULT" "$DISK/vault"
holdfast() { "$PYTHON" -m holdfast.cli.main --vault "$DISK/vault" --operator alice "$@"; }
code=0; holdfast collect files --case "$CASE" "$SOURCE" >/dev/null 2>"$TOLD/full" || code=$?
echo "$code" >"$TOLD/code"
holdfast verify --read-only --json --jobs 1 >"$TOLD/looked" 2>"$TOLD/looked.err" || true
holdfast verify --json --jobs 1 >"$TOLD/verified" 2>"$TOLD/verified.err" || true
mount -o remount,size=64m "$DISK"
holdfast collect files --case "$CASE" --json "$SOURCE" >"$TOLD/again"
holdfast verify --json --jobs 1 >"$TOLD/after"
cp -r "$DISK/vault/vault/objects" "$TOLD/objects"
umount "$DISK"
"""


def may_mount() -> bool:
    return (
        os.geteuid() == 0
        and shutil.which("unshare") is not None
        and subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode
        == 0
    )


@pytest.mark.skipif(not may_mount(), reason="needs root and `unshare -m` to mount a small disk")
@pytest.mark.parametrize("kind", ["made_plain", "made_sealed"])
def test_a_disk_that_fills_up_during_a_collection_loses_nothing(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    vault, case = request.getfixturevalue(kind)
    source, disk, told = tmp_path / "source", tmp_path / "disk", tmp_path / "told"
    for folder in (source, disk, told):
        folder.mkdir()
    for number in range(30):
        (source / f"{number:02d}").write_bytes(hashlib.sha256(bytes([number])).digest() * 10_000)
    places = {"CASE": case, "DISK": disk, "PYTHON": sys.executable, "SOURCE": source, "TOLD": told}
    subprocess.run(
        ["unshare", "-m", "sh", "-c", ON_A_SMALL_DISK],
        check=True,
        cwd=ROOT,
        env={**os.environ, **{name: str(place) for name, place in places.items()}, "VAULT": vault},
    )
    assert (told / "code").read_text() == "7\n", (told / "full").read_text()
    (line,) = (told / "full").read_text().splitlines()
    assert str(disk) in line
    assert "the disk is full" in line
    assert "make room" in line
    for name in ("looked", "verified"):
        report = json.loads((told / name).read_text())
        assert report["problems"] == [], name
    rows = [json.loads(row) for row in (told / "again").read_text().splitlines()]
    assert [Path(row["path"]).name for row in rows] == [f"{number:02d}" for number in range(30)]
    after = json.loads((told / "after").read_text())
    assert (after["problems"], after["incomplete"], after["objects"]) == ([], [], 30)
    if kind == "made_plain":
        for row in rows:
            stored = told / "objects" / row["item"][:2] / row["item"]
            assert stored.read_bytes() == Path(row["path"]).read_bytes()


LIMITED = """
import resource, sys
from holdfast.cli.main import run
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.exit(run(sys.argv[2:]))
"""


@pytest.mark.parametrize("kind", ["line", "sealed"])
def test_a_file_larger_than_may_be_written_is_told_and_the_repeat_completes(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    line: Line = request.getfixturevalue(kind)
    source = tmp_path / "source"
    source.mkdir()
    (source / "a small").write_bytes(b"x")
    (source / "large").write_bytes(b"x" * (3 << 20))
    given = line.given("collect", "files", "--case", line.case, str(source))
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(2 << 20), *given],
        capture_output=True,
        check=False,
        cwd=ROOT,
        text=True,
    )
    assert done.returncode == 7, done.stderr
    (told,) = done.stderr.splitlines()
    assert str(line.vault) in told
    assert "a file may not grow that large here" in told
    line.must("verify", "--read-only", "--jobs", 1)
    assert [row["status"] for row in line.collect(source).rows] == ["new", "new"]
    line.intact()
