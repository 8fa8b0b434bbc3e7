"""The whole check of one hand-over bundle, stage by stage, each standing on those before."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from holdfast.core.errors import InputError
from holdfast.exchange.bag import MANIFEST, TAGS, is_path
from holdfast.exchange.check import claims as claimed
from holdfast.exchange.check import eras, people
from holdfast.exchange.check.anchors import Anchors
from holdfast.exchange.check.exculpatory import check_exculpatory
from holdfast.exchange.check.finding import Finding, StopError, shown
from holdfast.exchange.check.folder import Folder
from holdfast.exchange.check.outsiders import Witnesses, check_stamps
from holdfast.exchange.check.proof import Proof
from holdfast.exchange.check.second import check_second

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_TAG_FILES = ("bagit.txt", "bag-info.txt", MANIFEST, "README.txt", "verify.sh")


def check(root: Path, anchors: Path | None = None) -> Finding:
    """Check a bundle as `verify.sh` does; what it finds is in what it returns.

    Raises:
        InputError: there is no bundle at `root`, or no file of anchors.
        ResourceError: stamps are to be checked, and there is no openssl here.
    """
    if not any((root / name).exists() for name in ("bagit.txt", TAGS, "data")):
        raise InputError(f"{root} holds no bundle", "unpack it, and name its folder")
    finding = Finding(anchored=anchors is not None)
    with suppress(StopError):
        held = Anchors() if anchors is None else Anchors.load(anchors, finding)
        finding.stage()
        _check(root, held, finding)
    return finding


def _check(root: Path, anchors: Anchors, finding: Finding) -> None:
    folder = Folder(root)
    proof = Proof(folder, check_files(folder, finding), finding)
    proof.check_head()
    proof.check_places()
    claims = claimed.check_entries(proof)
    eras.check_eras(proof, claims)
    check_second(proof)
    claimed.check_complete(proof, claims)
    claimed.check_contents(proof, claims)
    check_exculpatory(proof, claims)
    unsigned = people.People(proof, claims).check()
    demands = people.check_policy(proof, claims, unsigned)
    people.check_originals(proof, claims)
    witnesses = Witnesses(proof, anchors)
    witnesses.check(demands)
    timed = check_stamps(proof, anchors, demands)
    vkey = proof.read("log.vkey").rstrip(b"\n")
    if finding.anchored:
        eras.check_origin(proof, anchors, witnessed=bool(witnesses.signed))
    if not witnesses.signed:
        finding.say("Unwitnessed", "no independent witness that you know signed the log's head")
    if not timed:
        finding.say("Untimed", "no time-stamping authority that you know confirmed it")
    if not claims.whole:
        finding.say("Incomplete?", "NOT shown that nothing was left out")
    if not finding.anchored:
        finding.say("Origin", f"NOT established: no anchors were given. The key: {shown(vkey)}")


def check_files(folder: Folder, finding: Finding) -> dict[str, str]:
    """Check the bundle against its own manifests; return each file's digest.

    Raises:
        StopError: it is not what they list.
    """
    for path, what in folder.strange:
        finding.bad(f"{shown(os.fsencode(path))}: {what}")
    finding.stage()
    digest: dict[str, str] = {}
    _manifest(folder, finding, TAGS, digest, _TAG_FILES.__contains__)
    for path in _TAG_FILES:
        if path not in digest:
            finding.bad(f"{TAGS}: does not name {path}")
    finding.stage()
    _manifest(folder, finding, MANIFEST, digest, lambda p: p.startswith("data/") and is_path(p))
    finding.stage()
    for path in folder.sizes:
        if path != TAGS and path not in digest:
            told = shown(os.fsencode(path))
            finding.bad(f"{told}: is in the folder but in no manifest: it was added")
    for path in digest:
        if path not in folder.sizes:
            finding.bad(f"{path}: is in the manifest but missing")
    finding.stage()
    for path, said in digest.items():
        if folder.digests(path, ["sha256"])["sha256"] != said:
            listed = MANIFEST if path.startswith("data/") else TAGS
            finding.bad(f"{path}: its bytes are not those that {listed} lists")
    finding.stage()
    told = "files are as the manifests list them; none is missing, none was added"
    finding.say("Files", f"{len(digest)} {told}")
    return digest


def _manifest(
    folder: Folder, finding: Finding, name: str, digest: dict[str, str], may: Callable[[str], bool]
) -> None:
    text = folder.text(name)
    if text is None or not text.endswith(b"\n"):
        finding.bad(f"{name}: missing, cut off, or no text")
        return
    for line in text[:-1].split(b"\n"):
        hexadecimal, path = line[:64].decode("latin-1"), line[66:1066].decode("latin-1")
        is_hex = len(hexadecimal) == 64 and not set(hexadecimal) - set("0123456789abcdef")
        if not is_hex or line[64:66] != b"  " or not may(path):
            finding.bad(f"{name}: a line that no manifest of a bundle has: {shown(line[:150])}")
        elif path in digest:
            finding.bad(f"{name}: names {path} twice")
        else:
            digest[path] = hexadecimal
