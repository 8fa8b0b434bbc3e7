"""Witnesses and time-stamping authorities, held to the reader's anchors."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from holdfast.core.errors import ResourceError
from holdfast.exchange.check.anchors import ML_DSA_44, Key
from holdfast.exchange.check.finding import shown
from holdfast.exchange.check.proof import P
from holdfast.exchange.check.renewals import check_record
from holdfast.exchange.check.revoked import check_revoked
from holdfast.vault.cosignature import checkpoint_message
from holdfast.vault.note import Verifier

if TYPE_CHECKING:
    from holdfast.exchange.check.anchors import Anchors
    from holdfast.exchange.check.proof import Proof

_STAMPED = re.compile(
    rb"^Time stamp: ([A-Z][a-z]{2} +[0-9]{1,2} [0-9:]{8})(?:\.[0-9]+)? ([0-9]{4}) GMT$",
    re.MULTILINE,
)
_KINDS = (".tsr", ".ers", ".crls")
_ED25519, _ML_DSA = 4 + 8 + 64, 4 + 8 + 2420


class Witnesses:
    """What `cosigned` shows."""

    def __init__(self, proof: Proof, anchors: Anchors) -> None:
        self._proof = proof
        self._bad = proof.finding.bad
        self._known = {(one.name, one.key_id): name for name, one in anchors.witnesses.items()}
        self._anchors = anchors
        self.signed: dict[bytes, str] = {}
        """Which witnesses signed, and when."""
        self._strangers = self._files = self._cosigned = 0

    def check(self, demands: set[str]) -> None:
        """Check the cosignatures, the anchors' quorum, and the vault's own demand.

        Raises:
            StopError: one does not verify, or too few signed.
        """
        proof, bad, quorum = self._proof, self._bad, self._anchors.quorum
        own = 0
        for number, (name, blob) in enumerate(
            proof.signatures("cosigned") if proof.has("cosigned") else [], 1
        ):
            if name != proof.origin:
                self._line(number, name, blob)
            elif blob[:4] == proof.log_key.key_id:
                own += 1
                if blob[4:] != proof.signature:
                    bad(f"{P}cosigned: has another signature of the log than the checkpoint")
        if proof.has("cosigned") and own != 1:
            bad(f"{P}cosigned: is not signed by the log's key")
        files = sum(path.startswith(f"{P}witnesses/") for path in proof.digest)
        if files != self._files:
            bad(f"{P}witnesses: {files - self._files} files belong to no cosignature")
        told = ", ".join(f"{shown(name)} ({when})" for name, when in self.signed.items())
        met = self._anchors.met(set(self.signed))
        demanded = quorum not in {None, b"none"}
        if quorum is not None and demanded and quorum not in met:
            bad(
                f"witnesses: your anchors demand the quorum {shown(quorum)}, and it is not met. "
                f"Signed have: {told}"
            )
        anchored = proof.finding.anchored
        if "witnessed" in demands and not self.signed and (anchored or not self._cosigned):
            bad(
                "policy: the vault demands witnesses, and this bundle is unwitnessed: no witness "
                "in your anchors signed it"
            )
        proof.finding.stage()
        if told:
            proof.finding.say("Witnesses", f"signed this head: {told}")
        if quorum is not None and demanded:
            proof.finding.say("", f"the quorum {shown(quorum)} of your anchors is met")
        if self._strangers:
            proof.finding.say(
                "",
                f"{self._strangers} cosignatures are by keys not in your anchors: NOT held to "
                "anything",
            )

    def _line(self, number: int, name: bytes, blob: bytes) -> None:
        proof = self._proof
        who = self._known.get((name, blob[:4]))
        time, signature = int.from_bytes(blob[4:12], "big"), blob[12:]
        if len(blob) not in {_ED25519, _ML_DSA} or time >= 1 << 63:
            self._bad(f"{P}cosigned: line {number} is no cosignature")
            return
        self._cosigned += 1
        message = b"cosignature/v1\ntime %d\n" % time + proof.text
        if len(blob) == _ED25519:
            self._files += 2
            path = f"witnesses/{number}"
            here = proof.read(f"{path}.message"), proof.read(f"{path}.sig")
            if here != (message, signature):
                self._bad(f"{P}{path}: is not what line {number} of the cosigned head says")
                return
        if who is None:
            self._strangers += 1
            return
        key = self._anchors.witnesses[who]
        if key.kind == ML_DSA_44:
            right = len(blob) == _ML_DSA and ml_dsa(proof, key, time, signature)
        else:
            right = Verifier("", key.public).verifies(message, signature)
        if not right:
            told = f"the signature of the witness {shown(who)} does not verify"
            self._bad(f"{P}cosigned: {told}")
        else:
            self.signed.setdefault(who, _utc(time))


def ml_dsa(proof: Proof, key: Key, time: int, signature: bytes) -> bool:
    """Check a signature on C2SP tlog-cosignature's `cosigned_message`.

    Raises:
        ResourceError: the `cryptography` that is here can't.
    """
    try:
        message = checkpoint_message(key.name, time, proof.origin, proof.size, proof.root)
        from cryptography.hazmat.primitives.asymmetric import mldsa  # noqa: PLC0415

        mldsa.MLDSA44PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (ImportError, UnsupportedAlgorithm):
        raise ResourceError(
            "a witness signed with ML-DSA-44, which this machine's OpenSSL can't check",
            "upgrade the library `cryptography`, to a wheel from PyPI",
        ) from None
    except (InvalidSignature, ValueError):
        return False
    return True


def _utc(time: int) -> str:
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return "at an absurd time"


def check_stamps(proof: Proof, anchors: Anchors, demands: set[str]) -> bool:
    """Check the stamps by `openssl ts`; say whether an authority that the reader knows gave one.

    Raises:
        StopError: one does not verify, or the vault demands one and there is none.
        ResourceError: there is no openssl here.
    """
    names = [path.removeprefix(f"{P}stamps/") for path in proof.digest if "/stamps/" in path]
    answers = [name.removesuffix(".tsr") for name in names if name.endswith(".tsr")]
    held, unheld, told = 0, [], []
    for name in answers:
        roots = anchors.roots.get(name.encode())
        if roots is None:
            unheld.append(name)
            continue
        time, expired = _stamp(proof, f"stamps/{name}.tsr", roots)
        if time is None:
            proof.finding.bad(f"{P}stamps/{name}.tsr: is no granted time stamp (RFC 3161)")
        elif expired is None:
            proof.finding.bad(
                f"{P}stamps/{name}.tsr: does not verify: it is not over this head, or not by the "
                f"authority {name} of your anchors"
            )
        else:
            counts, revoked = check_revoked(proof, name, roots)
            if not counts:
                told += [revoked] if revoked else []
                continue
            held += 1
            since = "; its certificate has expired since" if expired else ""
            told.append(f"{name} confirms that this head was there at {_utc(time)}{since}")
            told += [revoked] if revoked else []
            if f"{name}.ers" in names:
                told.append(check_record(proof, name, roots))
    if "timed" in demands and not held and (proof.finding.anchored or not answers):
        proof.finding.bad(
            "policy: the vault demands trusted time, and this bundle is untimed: no authority in "
            "your anchors stamped it"
        )
    proof.finding.stage()
    for line in told:
        proof.finding.say("Time", line)
    if unheld:
        line = "a stamp that your anchors have no root for, NOT held to anything"
        proof.finding.say("Time", f"{', '.join(unheld)}: {line}")
    for name in sorted(set(names) - {f"{one}{kind}" for one in answers for kind in _KINDS}):
        proof.finding.bad(f"{P}stamps/{name}: belongs to no stamp that is here")
    proof.finding.stage()
    return held > 0


def _stamp(proof: Proof, name: str, roots: list[bytes]) -> tuple[int | None, bool | None]:
    """Return when it was given (POSIX), and whether its certificate has run out since.

    None for a time: it is no stamp; None for the other: it does not verify.
    """
    with tempfile.TemporaryDirectory() as place:
        trusted, data, answer = (Path(place) / one for one in ("roots", "data", "answer"))
        trusted.write_text("".join(ssl.DER_cert_to_PEM_cert(der) for der in roots))
        data.write_bytes(proof.text)
        answer.write_bytes(proof.read(name))
        said = _openssl("-reply", "-in", answer, "-text")
        found = None if said is None else _STAMPED.search(said)
        if found is None:
            return None, None
        text = b" ".join((*found[1].split(), found[2])).decode()
        time = int(datetime.strptime(text + " +0000", "%b %d %H:%M:%S %Y %z").timestamp())
        given = ("-verify", "-data", data, "-in", answer, "-CAfile", trusted)
        if _openssl(*given) is not None:
            return time, False
        return time, None if _openssl(*given, "-attime", str(time)) is None else True


def _openssl(*arguments: str | Path) -> bytes | None:
    """Run `openssl ts`; None where it says no.

    Raises:
        ResourceError: there is none.
    """
    program = shutil.which("openssl")
    if program is None:
        raise ResourceError("the program openssl is not here", "install it: stamps need it")
    done = subprocess.run([program, "ts", *arguments], capture_output=True, check=False, timeout=60)
    return done.stdout if done.returncode == 0 else None
