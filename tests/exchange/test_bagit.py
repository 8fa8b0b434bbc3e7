"""Foreign bags: the right verdict on each of the BagIt conformance suite, and on hostile ones."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from holdfast.core.errors import InputError
from holdfast.exchange.check import bagit
from tests import vectors
from tests.exchange.making import Made, write

OTHERWISE = {
    "v0.97/warning/duplicate-file-with-different-case": "data/HELLO.txt: is listed but missing",
    "v0.97/warning/same-filename-listed-twice-with-different-normalization": "listed but missing",
    "v0.97/warning/special-system-files": "data/.DS_Store: is listed but missing",
}
"""What the suite calls valid with a warning, and is invalid here: bundle.md has why."""


@pytest.mark.corpus
def test_the_right_verdict_on_each_bag_of_the_suite(corpus: Path) -> None:
    """"Each version directory should contain a directory named “valid” containing bag directories
    which must pass validation and "invalid" containing bag directories which must fail
    validation"; "linux-only" and "windows-only" have invalid ones too, which are invalid
    everywhere here; "warning" those that are valid "but should produce a warning".
    """  # fmt: skip
    suite = corpus / "bagit-suite"
    seen = dict.fromkeys(("valid", "invalid", "warning", "linux-only", "windows-only"), 0)
    wrong = []
    for folder in sorted(suite.glob("v*/*/*/")):
        name = str(folder.relative_to(suite))
        kind = name.split("/")[1]
        seen[kind] += 1
        found = bagit.read(folder)
        if name in OTHERWISE:
            right = any(OTHERWISE[name] in problem for problem in found.problems)
        elif kind == "warning":
            right = found.valid and bool(found.warnings)
        else:
            right = found.valid == (kind == "valid")
        if not right:
            wrong.append((name, found))
    assert not wrong
    assert seen == {"valid": 27, "invalid": 15, "warning": 6, "linux-only": 6, "windows-only": 6}


@pytest.mark.corpus
def test_the_page_of_verdicts_is_what_is_said_of_each(corpus: Path) -> None:
    path = Path(__file__).parents[2] / "docs" / "reference" / vectors.PAGE
    assert path.read_text("utf-8") == vectors.page(corpus), (
        "write it anew: python -m tests.vectors CORPUS docs/reference"
    )


def bag(root: Path, files: dict[str, bytes], version: str = "1.0") -> Path:
    """Write a bag of these files."""
    write(
        root / "bagit.txt",
        f"BagIt-Version: {version}\nTag-File-Character-Encoding: UTF-8\n".encode(),
    )
    lines = []
    for path, data in files.items():
        write(root / path, data)
        lines.append(f"{hashlib.sha256(data).hexdigest()}  {path}\n")
    write(root / "manifest-sha256.txt", "".join(lines).encode())
    return root


def test_our_own_bundle_is_a_valid_bag(made: Made) -> None:
    found = bagit.read(made.folder)
    assert (found.problems, found.warnings) == ([], [])


@pytest.mark.attack("Puts a symlink into a foreign bag", "`check --bagit`")
def test_a_link_in_a_bag_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"secret")
    root = bag(tmp_path / "bag", {"data/x": b"secret"})
    (root / "data/x").unlink()
    (root / "data/x").symlink_to(outside)
    found = bagit.read(root)
    assert "data/x: a symbolic link, which no bundle holds" in found.problems


@pytest.mark.parametrize("path", ["../outside", "data/../../outside", "/etc/hostname", "~/x",
                                  "data/..\\..\\x", "data//x", "data/./x", "data/x\0"])  # fmt: skip
@pytest.mark.parametrize("manifest", ["manifest-sha256.txt", "tagmanifest-sha256.txt"])
@pytest.mark.attack("Puts `../` into a foreign bag", "`check --bagit`")
def test_a_name_that_leads_out_of_a_bag(tmp_path: Path, path: str, manifest: str) -> None:
    (tmp_path / "outside").write_bytes(b"x")
    root = bag(tmp_path / "bag", {"data/x": b"x"})
    with (root / manifest).open("a") as lines:
        lines.write(f"{hashlib.sha256(b'x').hexdigest()}  {path}\n")
    found = bagit.read(root)
    assert any("leads out of the bag" in problem for problem in found.problems)


def test_nothing_is_fetched(tmp_path: Path) -> None:
    root = bag(tmp_path / "bag", {"data/x": b"x"})
    (root / "fetch.txt").write_text("http://127.0.0.1:9/y 1 data/y\n")
    found = bagit.read(root)
    assert "data/y: is to be fetched from elsewhere, which is not done here" in found.problems


@pytest.mark.parametrize(
    ("declaration", "why"),
    [
        (b"BagIt-Version: 9.9\nTag-File-Character-Encoding: UTF-8\n", "is not known here"),
        (b"BagIt-Version: 1.0\nTag-File-Character-Encoding: punycode\n", "no declaration"),
        (b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\nmore", "no declaration"),
        (b"", "no declaration"),
        (b"x" * 10_000, "no declaration"),
    ],
)
def test_a_declaration_that_is_none(tmp_path: Path, declaration: bytes, why: str) -> None:
    root = bag(tmp_path / "bag", {"data/x": b"x"})
    write(root / "bagit.txt", declaration)
    assert why in bagit.read(root).problems[0]


def test_bytes_that_are_not_the_declared_encoding(tmp_path: Path) -> None:
    root = bag(tmp_path / "bag", {"data/x": b"x"})
    write(root / "manifest-sha256.txt", b"\xff\xfe")
    assert "manifest-sha256.txt: is not in the encoding" in bagit.read(root).problems[0]


def test_a_payload_of_another_extent_than_it_says(tmp_path: Path) -> None:
    root = bag(tmp_path / "bag", {"data/x": b"x"})
    (root / "bag-info.txt").write_text("Payload-Oxum: 1.1\n")
    assert bagit.read(root).valid
    (root / "bag-info.txt").write_text("Payload-Oxum: 2.1\n")
    assert bagit.read(root).problems == ["bag-info.txt: Payload-Oxum is 2.1, and there are 1.1"]


def test_a_bag_without_a_manifest(tmp_path: Path) -> None:
    root = bag(tmp_path / "bag", {"data/x": b"x"})
    (root / "manifest-sha256.txt").unlink()
    assert any("no payload manifest" in problem for problem in bagit.read(root).problems)


def test_an_algorithm_that_is_not_known_proves_nothing(tmp_path: Path) -> None:
    root = bag(tmp_path / "bag", {"data/x": b"x"})
    (root / "manifest-sha256.txt").rename(root / "manifest-crc32.txt")
    found = bagit.read(root)
    assert not found.valid
    assert found.warnings


def test_what_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "bag.zip").write_bytes(b"PK\3\4" + os.urandom(100))
    with pytest.raises(InputError, match="unpack"):
        bagit.read(tmp_path / "bag.zip")
