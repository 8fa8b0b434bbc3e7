"""Handing over: who gets what, what is withheld and why, sealed or not; and checking it again."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pyrage
import pytest

from holdfast.exchange import sealing
from holdfast.exchange.package import verify_script

if TYPE_CHECKING:
    from tests.line import Line

SECRET = b"the content that only its recipient may see"


@pytest.fixture
def held(line: Line, tmp_path: Path) -> Line:
    """A case with the exhibits AL/1 to AL/3, of which the last two have the same bytes."""
    source = tmp_path / "source"
    source.mkdir()
    for name, data in (("a.txt", SECRET), ("b.txt", b"twin"), ("c-private.txt", b"twin")):
        (source / name).write_bytes(data)
    line.collect(source)
    return line


def labels(folder: Path) -> list[str]:
    rows = (folder / "data/items.jsonl").read_text().splitlines()
    return [json.loads(row)["exhibit"] for row in rows]


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ((), ["AL/1", "AL/2", "AL/3"]),
        (("--select", "AL/2"), ["AL/2"]),
        (("--items", "AL/1", "--item", "AL/2"), ["AL/1", "AL/2"]),
        (("--withhold", "AL/3"), ["AL/1", "AL/2"]),
        (("--select", "AL/1", "--select", "AL/3", "--withhold", "AL/3"), ["AL/1"]),
    ],
)
def test_what_is_selected_and_not_withheld(
    held: Line, tmp_path: Path, options: tuple[str, ...], given: list[str]
) -> None:
    target = tmp_path / "out"
    done = held.must("bundle", "--case", held.case, "--to", target, *options, "--json").row
    assert labels(target) == given
    assert (done["exhibits"], done["completeness"]) == (len(given), True)
    found = held.must("check", target, "--json").row
    assert found["verdict"] == "intact in itself, origin not established"
    everything = b"".join(path.read_bytes() for path in target.rglob("*") if path.is_file())
    assert (b"c-private.txt" in everything) == ("AL/3" in given)
    withheld = [one["says"] for one in found["said"] if one["about"] == "Withheld"]
    assert bool(withheld) == (len(given) < 3)


def test_for_whom_and_under_what_order_is_in_the_log_the_readme_and_the_result(
    held: Line, tmp_path: Path
) -> None:
    target, order = tmp_path / "out", 'Order 7/26 of 3 March, "in camera"\u202e'
    held.must(
        "bundle", "--case", held.case, "--to", target, "--for", "Ms Roe, counsel",
        "--as", "defence",
        "--withhold", "AL/3", "--order", order,
    )  # fmt: skip
    (entry,) = held.entries("bundle")
    assert entry["request"]["order"] == order
    assert (entry["handover"]["for"], entry["handover"]["as"]) == ("Ms Roe, counsel", "defence")
    readme = (target / "README.txt").read_text()
    assert "For           Ms Roe, counsel, as defence" in readme
    assert 'Withheld      under Order 7/26 of 3 March, "in camera"\\u202e' in readme
    (target.parent / "verify.sh").write_bytes(verify_script())
    done = subprocess.run(
        ["bash", "../verify.sh"], cwd=target, capture_output=True, text=True, check=True
    )
    assert 'to "Ms Roe, counsel", as "defence"' in done.stdout
    assert "under the order" in done.stdout
    assert "1 exhibits of the case are withheld" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--order", "7/26"), "nothing is withheld"),
        (("--withhold", "AL/9"), "no exhibit or item 'AL/9'"),
        (("--withhold", "AL/1", "--withhold", "AL/2", "--withhold", "AL/3"), "no exhibit to"),
        (("--sealed-to", "age1nobody"), "is no recipient of age"),
    ],
)  # fmt: skip
def test_what_cannot_be_handed_over_leaves_no_entry(
    held: Line, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    done = held("bundle", "--case", held.case, "--to", tmp_path / "out", *options)
    assert done.code == 3
    assert said in done.err
    assert held.entries("bundle") == []
    assert {path.name for path in tmp_path.iterdir()} == before


def test_no_completeness(held: Line, tmp_path: Path) -> None:
    done = held.must("bundle", "--case", held.case, "--to", tmp_path / "out", "--no-completeness")
    assert "does NOT show that no entry of the case is left out" in done.out
    said = held.must("check", tmp_path / "out").out
    assert "NOT shown that nothing was left out" in said


# --- sealed --------------------------------------------------------------------------------------


def test_a_sealed_bundle_opens_for_its_recipients_and_shows_nobody_anything(
    held: Line, tmp_path: Path
) -> None:
    keys = [pyrage.x25519.Identity.generate() for _ in range(3)]
    target = tmp_path / "out" / "case.tar.age"
    target.parent.mkdir()
    to = [word for key in keys[:2] for word in ("--sealed-to", str(key.to_public()))]
    done = held.must("bundle", "--case", held.case, "--to", target, *to)
    assert f"age -d -i KEY {target} | tar x" in done.out
    assert [path.name for path in target.parent.iterdir()] == ["case.tar.age"]
    assert SECRET not in target.read_bytes()
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(target.read_bytes(), [keys[2]])
    for at, key in enumerate(keys[:2]):
        place = tmp_path / f"opened{at}"
        place.mkdir()
        plain = pyrage.decrypt(target.read_bytes(), [key])
        subprocess.run(["tar", "x"], cwd=place, input=plain, check=True)
        (folder,) = place.iterdir()
        assert folder.name == "case"
        anchors = tmp_path / "anchors"
        anchors.write_text(held.must("anchors").out)
        assert held.must("check", folder, "--anchors", anchors).out.endswith("INTACT\n")
    (entry,) = held.entries("bundle")
    assert entry["request"]["sealed_to"] == [str(key.to_public()) for key in keys[:2]]


def test_a_sealed_bundle_does_not_overwrite(held: Line, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    key = str(pyrage.x25519.Identity.generate().to_public())
    done = held("bundle", "--case", held.case, "--to", tmp_path / "out", "--sealed-to", key)
    assert done.code == 3
    assert (tmp_path / "out").read_text() == "mine"


def test_a_full_disk_while_sealing_leaves_nothing_in_the_clear(
    held: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(reader: object, writer: object, _to: object) -> None:
        writer.write(reader.read(1000))  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    target = tmp_path / "out" / "case.tar.age"
    target.parent.mkdir()
    key = str(pyrage.x25519.Identity.generate().to_public())
    monkeypatch.setattr("holdfast.exchange.sealing.pyrage.encrypt_io", full)
    done = held("bundle", "--case", held.case, "--to", target, "--sealed-to", key)
    assert done.code == 7
    assert "disk is full" in done.err
    assert list(target.parent.iterdir()) == []


def test_a_disk_that_is_full_is_said_as_such(tmp_path: Path) -> None:
    """By a device that is always full, through the library that encrypts."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "large").write_bytes(bytes(1 << 20))
    to = [pyrage.x25519.Identity.generate().to_public()]
    with Path("/dev/full").open("wb", 0) as full, pytest.raises(OSError, match="No space left"):
        sealing.encrypt(tmp_path / "folder", "folder", full, to)


def test_a_file_that_vanishes_while_it_is_sealed(tmp_path: Path) -> None:
    """What came so far would be a whole file of age, with a tar in it that was cut off."""
    to = [pyrage.x25519.Identity.generate().to_public()]
    with (tmp_path / "out").open("wb") as out, pytest.raises(FileNotFoundError):
        sealing.encrypt(tmp_path / "folder", "folder", out, to)


# --- check ---------------------------------------------------------------------------------------


def test_check_says_what_is_wrong_and_ends_with_5(held: Line, tmp_path: Path) -> None:
    target = tmp_path / "out"
    held.must("bundle", "--case", held.case, "--to", target)
    table = target / "data/items.csv"
    table.chmod(0o644)
    table.write_text("altered")
    done = held("check", target)
    assert done.code == 5
    assert "data/items.csv: its bytes are not those that manifest-sha256.txt lists" in done.err
    found = held("check", target, "--json").row
    assert found["verdict"] == "altered or incomplete"
    assert len(found["problems"]) == 1


def test_check_needs_no_vault_and_changes_nothing(held: Line, tmp_path: Path) -> None:
    target = tmp_path / "out"
    held.must("bundle", "--case", held.case, "--to", target)
    before = {path: path.stat().st_mtime_ns for path in target.rglob("*")}
    held.vault = tmp_path / "no-vault-here"
    done = held.must("check", target)
    assert done.out.endswith("origin not established\n")
    assert {path: path.stat().st_mtime_ns for path in target.rglob("*")} == before


def test_a_bundle_that_was_made_to_look_like_any_bag_is_not_taken_for_one(
    held: Line, tmp_path: Path
) -> None:
    """Whoever strips the proof gets no "valid" unless a BagIt reading was asked for by name."""
    target = tmp_path / "out"
    held.must("bundle", "--case", held.case, "--to", target)
    subprocess.run(["rm", "-r", target / "data/proof", target / "verify.sh"], check=True)
    for name in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        lines = (target / name).read_text().splitlines(keepends=True)
        kept = [one for one in lines if not re.search(r"data/proof|verify.sh|  manifest", one)]
        (target / name).unlink()
        (target / name).write_text("".join(kept))
    assert held("check", target).code == 5
    done = held.must("check", target, "--bagit")
    assert "That it is as it was made, nothing here shows" in done.out
    assert "intact" not in done.out.lower()


@pytest.mark.parametrize("options", [(), ("--bagit",)])
def test_an_archive_is_not_unpacked(held: Line, tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "bundle.tar").write_bytes(bytes(10240))
    done = held("check", tmp_path / "bundle.tar", *options)
    assert done.code == 3
    assert "unpack" in done.err
