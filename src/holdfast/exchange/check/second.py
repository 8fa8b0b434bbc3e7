"""The log's own second signature on its head, ML-DSA-44: what no quantum computer forges."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from holdfast.core.errors import ResourceError
from holdfast.exchange.check.anchors import ML_DSA_44, Key, strict_base64
from holdfast.exchange.check.outsiders import ml_dsa
from holdfast.exchange.check.proof import P
from holdfast.vault import cosignature

if TYPE_CHECKING:
    from holdfast.exchange.check.proof import Proof

FILES = ("second.message", "second.pem", "second.sig")
_PEM = re.compile(
    rb"-----BEGIN PUBLIC KEY-----\n((?:[A-Za-z0-9+/=]{1,64}\n)+)-----END PUBLIC KEY-----\n"
)


def check_second(proof: Proof) -> None:
    """Check it where entry 0, or the entry that changed the log's key, names a key for it.

    Raises:
        StopError: it was stripped, or does not verify.
    """
    bad, say = proof.finding.bad, proof.finding.say
    here = [name for name in FILES if proof.has(name)]
    if not proof.second:
        for name in here:
            bad(f"{P}{name}: the log has no key for a second signature")
        proof.finding.stage()
        return
    key = Key.parse(proof.second, ML_DSA_44)
    if key is None:
        bad("the log names a key for its second signature that is none")
        proof.finding.stage()
        return
    lines = [
        blob[4:]
        for name, blob in proof.signatures("checkpoint")
        if (name, blob[:4]) == (key.name, key.key_id)
    ]
    if len(lines) != 1 or len(lines[0]) != 8 + 2420:
        bad(f"{P}checkpoint: the log's ML-DSA-44 signature was stripped, or is malformed")
        proof.finding.stage()
        return
    time, signature = int.from_bytes(lines[0][:8], "big"), lines[0][8:]
    message = cosignature.checkpoint_message(key.name, time, proof.origin, proof.size, proof.root)
    if proof.read("second.message") != message or proof.read("second.sig") != signature:
        bad(f"{P}second.message: is not what the log's ML-DSA-44 signature in the checkpoint says")
    pem = _PEM.fullmatch(proof.read("second.pem"))
    der = None if pem is None else strict_base64(pem[1].replace(b"\n", b""))
    if der != cosignature.MLDSA44_SPKI + key.public:
        bad(f"{P}second.pem: is not the log's ML-DSA-44 key")
    proof.finding.stage()
    try:
        if not ml_dsa(proof, key, time, signature):
            bad(f"{P}checkpoint: the log's ML-DSA-44 signature does not verify")
        told = "the head is signed by the log's ML-DSA-44 key, too"
    except ResourceError:
        told = "the log's ML-DSA-44 signature was not checked: this machine's library can't"
    proof.finding.stage()
    say("", told)
