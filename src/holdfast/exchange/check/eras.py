"""The log's keys before the one that signed the head: each ended by an entry, at a proven size."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from holdfast.exchange.check.anchors import ED25519, Key
from holdfast.exchange.check.finding import shown
from holdfast.exchange.check.proof import HEAD, NUMBER, TEXT, Former, P
from holdfast.exchange.proofs import pem
from holdfast.vault.note import Verifier

if TYPE_CHECKING:
    from holdfast.exchange.check.anchors import Anchors
    from holdfast.exchange.check.claims import Claims
    from holdfast.exchange.check.proof import Proof

_ERA = (
    rb'\{"ended":(' + TEXT + rb'),"ended_mldsa":(null|' + TEXT + rb'),"last":' + NUMBER
    + rb',"log":(' + TEXT + rb'),"log_mldsa":(null|' + TEXT + rb')'
    + rb',"why":"(rotated|stolen|lost|continued)"\}'
)  # fmt: skip
_FILES = ("checkpoint", "checkpoint.sig", "checkpoint.text", "log.pem", "log.vkey")


def plain(text: bytes) -> bytes:
    """Return what a JSON string without control characters says."""
    return re.sub(rb'\\(["\\])', rb"\1", text[1:-1])


def check_eras(proof: Proof, claims: Claims) -> None:
    """Check every change of the log's key up to the head, and fill `proof.former`.

    Raises:
        StopError: one is not as the log says, or leads to another key than the head's.
    """
    bad = proof.finding.bad
    settings = proof.value(
        0, "settings", rb'\{"log":(' + TEXT + rb')(?:,"log_mldsa":(' + TEXT + rb"))?[,}].*"
    )
    if claims.acts.get(0) != b'"vault.init"' or settings is None:
        bad("entry 0: the vault's own first entry is missing or withheld")
        proof.finding.stage()
        return
    key, proof.second = plain(settings[1]), plain(settings[2] or b'""')
    ends = [index for index in sorted(claims.of_vault) if claims.acts[index] == b'"log.key"']
    for number, index in enumerate(ends):
        said = proof.value(index, "era", _ERA)
        if said is None:
            bad(f"entry {index}: does not say which key of the log ended")
            break
        ended, until, why = plain(said[1]), int(said[3]), said[6].decode()
        if ended != key:
            bad(f"entry {index}: ends another key of the log than the one that signed then")
        if not (until == index + 1 if why == "rotated" else 0 < until <= index):
            bad(f"entry {index}: ends the log's key at another size than it can have ended at")
        _former(proof, number, Former(ended, b"", until, b"", why, index))
        key = plain(said[4])
        proof.second = b"" if said[5] == b"null" else plain(said[5])
    files = sum(path.startswith(f"{P}former/") for path in proof.digest)
    if files != len(_FILES) * len(ends):
        bad(f"{P}former: {files - len(_FILES) * len(ends)} files belong to no key that ended")
    if key != proof.read("log.vkey")[:-1]:
        bad("entry 0: the vault was made with another log key, and no entry here leads to this one")
    proof.finding.stage()
    for one in proof.former:
        proof.finding.say(
            "Former key",
            f"{shown(one.vkey)} signed up to {one.until} entries; entry {one.entry} ended it: "
            f"{one.why}",
        )


def _former(proof: Proof, number: int, said: Former) -> None:
    """Hold the last checkpoint of a key that ended to that key, and to the tree of the head."""
    folder, bad = f"former/{number}/", proof.finding.bad
    lacking = [name for name in _FILES if not proof.has(folder + name)]
    for name in lacking:
        bad(f"{P}{folder}{name}: missing from the proof")
    key = Key.parse(said.vkey, ED25519)
    if lacking or key is None or proof.read(f"{folder}log.vkey") != said.vkey + b"\n":
        bad(f"{P}{folder}log.vkey: is not the key that entry {said.entry} ended")
        return
    if proof.read(f"{folder}log.pem") != pem(key.public):
        bad(f"{P}{folder}log.pem: is not the key of log.vkey")
    text = proof.read(f"{folder}checkpoint.text")
    head = HEAD.fullmatch(text)
    root = proof.past_root(said.until)
    if head is None or head[1] != key.name or int(head[2]) != said.until:
        bad(f"{P}{folder}checkpoint.text: is not of the {said.until} entries that the key signed")
    elif root is None or text.split(b"\n")[2] != root:
        bad(
            f"{P}{folder}checkpoint.text: this log does not continue what its former key signed: "
            "it was rewritten"
        )
    own = [
        blob[4:]
        for name, blob in proof.signatures(f"{folder}checkpoint", text)
        if (name, blob[:4]) == (key.name, key.key_id)
    ]
    if own != [proof.read(f"{folder}checkpoint.sig")]:
        bad(f"{P}{folder}checkpoint: is not signed by the key that ended, once")
    elif not Verifier("", key.public).verifies(text, own[0]):
        bad(f"{P}{folder}checkpoint: the signature of the log's former key does not verify")
    proof.former.append(Former(said.vkey, key.name, said.until, root or b"", said.why, said.entry))


def check_origin(proof: Proof, anchors: Anchors, *, witnessed: bool) -> None:
    """Hold the log's key to the reader's anchors; a rotated key passes the trust in it on.

    Raises:
        StopError: it is none of theirs, or ended before it signed this.
    """
    vkey, finding = proof.read("log.vkey").rstrip(b"\n"), proof.finding
    told = ""
    known = [(vkey, proof.size, proof.root_text, True)]
    known += [(one.vkey, one.until, one.root, False) for one in proof.former]
    for key, size, root, is_head in known:
        end = anchors.ended.get(key)
        if end is None:
            continue
        if size > end.size or (size == end.size and root != end.root):
            finding.bad(
                f"origin: your anchors say that the log's key {shown(key)} ended at {end.size} "
                "entries, as another log: what it signed here is forged, or came later"
            )
        elif is_head and end.why == "stolen" and not witnessed:
            finding.bad(
                f"origin: the log's key {shown(key)} was stolen since, and no witness in your "
                "anchors signed this head: whoever stole it could have made this"
            )
    if vkey in anchors.logs or vkey in anchors.ended:
        told = "the log's key is the one in your anchors: origin established"
    for one in () if told else reversed(proof.former):
        trusted = one.vkey in anchors.logs
        if one.why != "rotated":
            why = {
                "continued": "this log goes on as another",
                "lost": "the log's key in your anchors was lost",
                "stolen": "the log's key in your anchors was stolen",
            }[one.why]
            if any(former.vkey in anchors.logs for former in proof.former):
                finding.bad(f"origin: {why}, says entry {one.entry}: get new anchors")
            break
        if trusted:
            told = (
                f"the log's key was announced by the key in your anchors, in entry {one.entry}: "
                "origin established"
            )
            break
    if not told and not finding.problems:
        finding.bad(
            f"origin: this bundle's log key {shown(vkey)} is NOT the one in your anchors: it "
            "is another log's, or forged"
        )
    finding.stage()
    finding.say("Origin", told)
