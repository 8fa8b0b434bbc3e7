"""The verdict on a WACZ (1.0.0 to 1.2.0): shell, manifest, hashes, pages, indexes, signature.

Each WARC inside is judged by ISO 28500 and has a verdict of its own; one that breaks a `shall`
makes the WACZ invalid too, one that leaves a recommendation aside does not.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, BinaryIO

from holdfast.webarchive import signature
from holdfast.webarchive.check import check_warc
from holdfast.webarchive.report import INVALID, Report
from holdfast.webarchive.wacz_index import Indexes, check_pages
from holdfast.webarchive.wacz_rules import WACZ_RULES
from holdfast.webarchive.zip_check import READ_ERRORS, Shell, is_safe

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.webarchive.signature import Trust

MANIFEST, DIGEST = "datapackage.json", "datapackage-digest.json"
VERSIONS = ("1.0.0", "1.1.0", "1.1.1", "1.2.0")
_LIMIT = 256 << 20
_ALGORITHMS = {"md5", "sha1", "sha224", "sha256", "sha384", "sha512"}
_STRANGE = {
    "archive/": (".warc", ".warc.gz"),
    "indexes/": (".cdx", ".cdxj", ".cdx.gz", ".cdxj.gz", ".idx"),
    "pages/": (".jsonl",),
}
_OURS = "capture/capture.json"


def check_wacz(raw: BinaryIO, trust: Trust, *, require_signature: bool = False) -> Report:
    """Judge one WACZ; `raw` must be seekable."""
    report = Report("wacz", WACZ_RULES)
    shell = Shell(raw, report)
    if shell.zip is not None:
        _Check(shell, report, trust, require_signature=require_signature).run()
    elif require_signature:
        report.find("signature.required", "the file can't be read")
    return report


class _Check:
    def __init__(
        self, shell: Shell, report: Report, trust: Trust, *, require_signature: bool
    ) -> None:
        self._shell, self._report, self._trust = shell, report, trust
        self._require = require_signature
        self._find = report.find
        self._raw = shell.whole(MANIFEST, _LIMIT)
        self._manifest: dict[str, Any] = {}

    def run(self) -> None:
        report = self._report
        self._read_manifest()
        self._layout()
        self._resources()
        indexes = Indexes(self._shell, report)
        indexes.check()
        pages = check_pages(self._shell, report, indexes.urls)
        signed = self._digest()
        facts: dict[str, Json] = {
            "created": _text(self._manifest.get("created")),
            "index_lines": indexes.lines,
            "pages": pages,
            "parts": len(self._shell.parts),
            "signature": signed,
            "software": _text(self._manifest.get("software")),
            "wacz_version": _text(self._manifest.get("wacz_version")),
            "warcs": self._archives(),
        }
        report.facts = facts

    def _read_manifest(self) -> None:
        if MANIFEST not in self._shell.parts:
            self._find("manifest.missing", "")
            return
        try:
            found = json.loads(self._raw)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            self._find("manifest.form", "no JSON object", None, MANIFEST)
            return
        self._manifest = found
        if found.get("profile") != "data-package":
            self._find("manifest.form", f"profile is {found.get('profile')!r}", None, MANIFEST)
        version = found.get("wacz_version")
        if not isinstance(version, str):
            self._find("manifest.version", "", None, MANIFEST)
        elif version not in VERSIONS:
            self._find("manifest.version-unknown", repr(version), None, MANIFEST)

    def _layout(self) -> None:
        parts = self._shell.parts
        if not any(name.startswith("archive/") and _is_warc(name) for name in parts):
            self._find("layout.archive", "")
        if not any(name.startswith("indexes/") for name in parts):
            self._find("layout.indexes", "")
        if "pages/pages.jsonl" not in parts:
            self._find("layout.pages", "")
        for name in parts:
            for folder, endings in _STRANGE.items():
                if name.startswith(folder) and not name.lower().endswith(endings):
                    self._find("layout.strange", name, None, name)

    def _resources(self) -> None:
        """Compare what is listed with what is there."""
        listed = self._manifest.get("resources")
        if not isinstance(listed, list):
            if self._manifest:
                self._find("manifest.form", "resources is no list", None, MANIFEST)
            listed = []
        seen: set[str] = set()
        for one in listed:
            path = one.get("path") if isinstance(one, dict) else None
            if not isinstance(path, str) or not is_safe(path):
                self._find("manifest.form", f"a resource's path is {path!r}", None, MANIFEST)
                continue
            if path in seen:
                self._find("manifest.form", f"{path} is listed again", None, path)
            seen.add(path)
            if path not in self._shell.parts:
                self._find("manifest.absent", path, None, path)
            else:
                self._resource(path, one)
        for name in self._shell.parts:
            if name not in seen and name not in {MANIFEST, DIGEST}:
                self._find("manifest.unlisted", name, None, name)
                for _ in self._shell.read(name):
                    pass  # its CRC is judged all the same

    def _resource(self, path: str, one: dict[str, Any]) -> None:
        stats = one.get("stats")
        old = stats if isinstance(stats, dict) else {}  # 1.0.0
        said = one.get("hash", old.get("hash"))
        size = one.get("bytes", old.get("bytes"))
        algorithm, _, value = str(said).rpartition(":")
        algorithm = (algorithm or str(one.get("hashing", "sha256"))).lower().replace("-", "")
        if not isinstance(said, str) or algorithm not in _ALGORITHMS:
            self._find("manifest.hash-form", f"{said!r}", None, path)
            algorithm = ""
        hasher = hashlib.new(algorithm or "sha256", usedforsecurity=False)
        total = 0
        for piece in self._shell.read(path):
            hasher.update(piece)
            total += len(piece)
        if algorithm and hasher.hexdigest() != value.lower():
            self._find(
                "manifest.hash", f"{said}, where {hasher.hexdigest()} was calculated", None, path
            )
        if size != total:
            self._find("manifest.bytes", f"{size}, where there are {total}", None, path)

    def _digest(self) -> dict[str, Json]:
        """Judge datapackage-digest.json and the signature in it."""
        found: Any = None
        if DIGEST in self._shell.parts:
            try:
                found = json.loads(self._shell.whole(DIGEST, _LIMIT))
            except (ValueError, RecursionError):
                found = None
            if not isinstance(found, dict) or found.get("path") != MANIFEST:
                self._find(
                    "digest.form", "no JSON object that names datapackage.json", None, DIGEST
                )
                found = found if isinstance(found, dict) else {}
            true = f"sha256:{hashlib.sha256(self._raw).hexdigest()}"
            if found.get("hash") != true:
                self._find(
                    "digest.hash", f"{found.get('hash')}, where {true} was calculated", None, DIGEST
                )
            if found.get("signedData") is not None:
                return self._signed(found["signedData"], true)
        else:
            self._find("digest.missing", "")
        reveals = self._reveals()
        if reveals:
            self._find("signature.stripped", reveals, None, DIGEST)
        elif self._require:
            self._find("signature.required", "", None, DIGEST)
        else:
            self._find("signature.missing", "", None, DIGEST)
        return {"kind": "stripped" if reveals else "none", "good": False}

    def _signed(self, signed: Any, true: str) -> dict[str, Json]:
        before = self._report.counts.copy()
        told = signature.judge(
            signed,
            true,
            self._manifest.get("created"),
            self._trust,
            lambda rule, detail: self._find(rule, detail, None, DIGEST),
        )
        new = self._report.counts - before
        bad = [name for name in new if WACZ_RULES[name].severity.value == "error"]
        return {**told, "good": not bad}

    def _reveals(self) -> str:
        """Return what tells that this file was signed once; empty where nothing does."""
        if _OURS in self._shell.parts:
            return f"{_OURS} is part of a Holdfast capture, which is always signed"
        software = self._manifest.get("software")
        if isinstance(software, str) and software.lower().startswith("holdfast"):
            return f"it was made by {software}, which always signs"
        told = [
            key
            for key in self._manifest
            if str(key).lower() in {"signed", "signature", "signeddata"}
        ]
        return f"datapackage.json has {told[0]!r}" if told else ""

    def _archives(self) -> list[Json]:
        told: list[Json] = []
        for name in sorted(self._shell.parts):
            if not (name.startswith("archive/") and _is_warc(name)):
                continue
            try:
                with self._shell.open(name) as raw:
                    one = check_warc(raw)
            except READ_ERRORS as error:
                self._find("zip.damaged", str(error), None, name)
                continue
            if one.facts.get("compressed") and not name.lower().endswith(".warc.gz"):
                self._find("layout.archive-name", name, None, name)
            if one.verdict == INVALID:
                first = next(f for f in one.findings if f.rule.severity.value == "error")
                self._find(
                    "warc.invalid", f"{first.rule.section}: {first.rule.sentence}", None, name
                )
            told.append({"path": name, **one.as_json()})
        return told


def _is_warc(name: str) -> bool:
    return name.lower().endswith((".warc", ".warc.gz"))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
