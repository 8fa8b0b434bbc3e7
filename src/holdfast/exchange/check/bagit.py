"""Reads any BagIt bag (RFC 8493, and drafts from 0.93), whoever made it: do its own lists hold?

That is all a bag can say: whoever alters a file can write its manifests anew. So a valid bag is
never called intact. Nothing is fetched, no name leads out of the bag, no link is followed.
docs/formats/bundle.md has a table of what is read otherwise than elsewhere.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.exchange.check.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.core.canonical import Json

_DECLARATION = re.compile(
    rb"BagIt-Version: ([0-9]+)\.([0-9]+)\r?\nTag-File-Character-Encoding: ([A-Za-z0-9._-]+)[\r\n]*"
)
_ENCODINGS = {
    "utf-8": "utf-8-sig", "utf-16": "utf-16", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be",
    "us-ascii": "ascii", "iso-8859-1": "latin-1",
}  # fmt: skip
"""Encodings by their IANA names; no other codec of Python's gets foreign bytes."""
_ALGORITHMS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
"""Algorithms, and how many hex digits their digests have."""
_MANIFEST = re.compile(r"(tag)?manifest-([a-z0-9]+)\.txt")
_LINE = re.compile(r"([0-9A-Fa-f]+)[ \t]+(\*?)(.+)")
_FETCH = re.compile(r"(\S+)[ \t]+(\S+)[ \t]+(.+)")
_OXUM = re.compile(r"^Payload-Oxum[ \t]*:[ \t]*([0-9]+)\.([0-9]+)[ \t]*$", re.MULTILINE)


@dataclass
class Bag:
    """What a bag's own lists say of it."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    files: int = 0

    @property
    def valid(self) -> bool:
        """Whether it is complete and every digest is right: RFC 8493 section 3."""
        return not self.problems

    def as_json(self) -> dict[str, Json]:
        """Return it as `check --bagit --json` prints it."""
        return {
            "files": self.files,
            "problems": list(self.problems),
            "verdict": "valid bag" if self.valid else "invalid bag",
            "warnings": list(self.warnings),
        }


def read(root: Path) -> Bag:
    """Read the bag at `root`.

    Raises:
        InputError: it is no folder.
    """
    if root.is_dir() and not (root / "bagit.txt").exists():
        return Bag(["bagit.txt: is missing, so this is no bag"])  # nor a folder to list for hours
    return _Reader(Folder(root)).read()


class _Reader:
    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._bag = Bag(files=len(folder.sizes))
        self._bad = self._bag.problems.append
        self._version = (0, 0)
        self._encoding = "utf-8"
        self._lists: dict[tuple[bool, str], dict[str, str]] = {}

    def read(self) -> Bag:
        for path, what in self._folder.strange:
            self._bad(f"{path}: {what}")
        if not self._declaration():
            return self._bag
        for name in self._folder.sizes:
            kind = _MANIFEST.fullmatch(name)
            if kind is not None:
                self._manifest(name, tag=kind[1] is not None, algorithm=kind[2])
        if not any(not tag for tag, _ in self._lists):
            self._bad("no payload manifest: manifest-<algorithm>.txt")
        self._fetch()
        self._oxum()
        self._complete()
        self._digests()
        return self._bag

    def _declaration(self) -> bool:
        """Read bagit.txt: RFC 8493 section 2.1.1, to the letter, and always in UTF-8."""
        found = _DECLARATION.fullmatch(self._folder.read("bagit.txt", 4096) or b"")
        encoding = "" if found is None else found[3].decode().lower()
        if found is None or encoding not in _ENCODINGS:
            self._bad("bagit.txt: is missing, or no declaration of a version and an encoding")
            return False
        self._version, self._encoding = (int(found[1]), int(found[2])), _ENCODINGS[encoding]
        if not (0, 93) <= self._version <= (1, 0):
            self._bad(f"bagit.txt: BagIt {self._version[0]}.{self._version[1]} is not known here")
            return False
        return True

    def _text(self, name: str) -> str | None:
        data = self._folder.read(name)
        try:
            return None if data is None else data.decode(self._encoding)
        except UnicodeDecodeError:
            self._bad(f"{name}: is not in the encoding that bagit.txt names")
            return None

    def _manifest(self, name: str, *, tag: bool, algorithm: str) -> None:
        if algorithm not in _ALGORITHMS:
            self._bag.warnings.append(f"{name}: its algorithm is not known here, so it is not used")
            return
        listed: dict[str, str] = {}
        folded: dict[str, str] = {}
        for line in re.split(r"\r\n|\r|\n", self._text(name) or ""):
            if not line.strip():
                continue
            found = _LINE.fullmatch(line.rstrip())
            if found is None or len(found[1]) != _ALGORITHMS[algorithm]:
                self._bad(f"{name}: a line that names no digest and file: {line[:150]}")
                continue
            path = self._path(name, found[3], payload=not tag)
            if found[2]:
                self._bag.warnings.append(f"{name}: {path} is marked with * as md5sum does")
            if path is None:
                continue
            if path in listed:
                self._twice(name, path, same=listed[path] == found[1].lower())
            other = folded.setdefault(unicodedata.normalize("NFC", path).casefold(), path)
            if other != path:
                told = f"{path} and {other} are one file on some computers"
                self._bag.warnings.append(f"{name}: {told}")
            listed[path] = found[1].lower()
        self._lists[tag, algorithm] = listed

    def _twice(self, name: str, path: str, *, same: bool) -> None:
        """RFC 8493 section 2.1.3: a manifest must not name a file twice; drafts let it pass."""
        if same and self._version < (1, 0):
            self._bag.warnings.append(f"{name}: names {path} twice")
        else:
            self._bad(f"{name}: names {path} twice")

    def _path(self, name: str, given: str, *, payload: bool) -> str | None:
        """Return the file that a list names; None, and a problem, if that leads out of the bag."""
        path = given
        if self._version >= (0, 97):
            path = re.sub("%0[Aa]", "\n", re.sub("%0[Dd]", "\r", path))
        if self._version >= (1, 0):
            path = path.replace("%25", "%")
        if path.startswith("./"):
            self._bag.warnings.append(f"{name}: {given[:150]} begins with ./")
            path = path[2:]
        parts = path.split("/")
        out = path.startswith(("/", "~")) or "\\" in path or {"", ".", ".."} & set(parts)
        if out or "\0" in path or (payload and parts[0] != "data"):
            self._bad(
                f"{name}: {given[:150]} leads out of the bag's {'payload' * payload or 'folder'}"
            )
            return None
        return path

    def _fetch(self) -> None:
        """What fetch.txt lists is part of the bag, and must be here: nothing is fetched."""
        for line in re.split(r"\r\n|\r|\n", self._text("fetch.txt") or ""):
            found = _FETCH.fullmatch(line.rstrip()) if line.strip() else None
            path = None if found is None else self._path("fetch.txt", found[3], payload=True)
            if found is None and line.strip():
                self._bad(f"fetch.txt: a line that names no file: {line[:150]}")
            elif path is not None and path not in self._folder.sizes:
                self._bad(f"{path}: is to be fetched from elsewhere, which is not done here")

    def _oxum(self) -> None:
        """Hold the payload to Payload-Oxum: RFC 8493 section 2.2.2."""
        for octets, count in _OXUM.findall(self._text("bag-info.txt") or ""):
            sizes = [s for path, s in self._folder.sizes.items() if path.startswith("data/")]
            if (sum(sizes), len(sizes)) != (int(octets), int(count)):
                told = f"{octets}.{count}, and there are {sum(sizes)}.{len(sizes)}"
                self._bad(f"bag-info.txt: Payload-Oxum is {told}")

    def _complete(self) -> None:
        """RFC 8493 section 3: every list's files are here, and every payload file is listed."""
        payload = {path for path in self._folder.sizes if path.startswith("data/")}
        lists = [set(listed) for (tag, _), listed in self._lists.items() if not tag]
        # From 1.0 on every manifest must list all of the payload.
        listed = (
            set.intersection(*lists) if self._version >= (1, 0) and lists else set().union(*lists)
        )
        for path in sorted(payload - listed):
            self._bad(f"{path}: is in the payload but not in every manifest")
        named = {path for one in self._lists.values() for path in one}
        for path in sorted(named - set(self._folder.sizes)):
            self._bad(f"{path}: is listed but missing")

    def _digests(self) -> None:
        wanted: dict[str, dict[str, str]] = {}
        for (_, algorithm), listed in self._lists.items():
            for path, digest in listed.items():
                if path in self._folder.sizes:
                    wanted.setdefault(path, {})[algorithm] = digest
        for path, digests in wanted.items():
            for algorithm, computed in self._folder.digests(path, digests).items():
                if computed != digests[algorithm]:
                    self._bad(f"{path}: its bytes are not those that its {algorithm} digest says")
