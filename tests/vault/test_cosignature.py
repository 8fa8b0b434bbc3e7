"""Cosignatures of both types: against the specification's words, OpenSSL, and forgeries."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.errors import InputError, IntegrityError
from holdfast.vault import cosignature, note
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.cosignature import (
    ED25519,
    MLDSA44,
    Cosigner,
    CosignerKey,
    judge,
    open_checkpoint,
    parse_vkey,
)
from holdfast.vault.note import Signature, Signer
from tests.vault.keys import fixed_key

if TYPE_CHECKING:
    from pathlib import Path

LOG = Signer("example.com/behind-the-sofa", fixed_key(1))
CHECKPOINT = Checkpoint(LOG.name, 20852163, hashlib.sha256(b"root").digest())
TEXT = CHECKPOINT.text()
SIGNED = LOG.sign_note(TEXT)
WHEN = 1679315147
OPENSSL = ("openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin")
CLASSIC = CosignerKey("witness.example.com/w1", fixed_key(2))


@pytest.fixture(scope="module")
def quantum() -> CosignerKey:
    made = cosignature.new_mldsa("witness.example.com/w1")
    if made is None:
        pytest.skip("this `cryptography` offers no ML-DSA-44")
    return made


@pytest.fixture(params=["Ed25519", "ML-DSA-44"])
def key(request: pytest.FixtureRequest) -> CosignerKey:
    if request.param == "Ed25519":
        return CLASSIC
    found: CosignerKey = request.getfixturevalue("quantum")
    return found


def test_a_vkey_is_read_as_it_is_written(key: CosignerKey) -> None:
    """C2SP tlog-cosignature: "Ed25519 public keys MAY be encoded as vkeys with signature type 0x04
    … ML-DSA-44 public keys … with signature type 0x06".
    """
    vkey = str(key.cosigner)
    name, key_id, encoded = vkey.split("+", 2)
    material = base64.b64decode(encoded)
    assert (material[0], len(material)) in {(4, 33), (6, 1313)}
    expected = hashlib.sha256(name.encode() + b"\n" + material).hexdigest()[:8]
    assert key_id == expected
    assert Cosigner.parse(vkey) == parse_vkey(f" {vkey}\n") == key.cosigner


def test_a_vkey_that_is_not_quite_one_is_refused(key: CosignerKey) -> None:
    vkey = str(key.cosigner)
    name, key_id, encoded = vkey.split("+", 2)
    other = base64.b64encode(b"\x02" + base64.b64decode(encoded)[1:]).decode()
    for wrong in (
        "",
        "+++",
        str(LOG.verifier),
        vkey.replace(name, "witness.example.com/w2"),
        f"{name}+{key_id}+{other}",
        f"{name}+{key_id}+{encoded[:-8]}",
        f"{name}+00000000+{encoded}",
    ):
        with pytest.raises(InputError):
            Cosigner.parse(wrong)
    with pytest.raises(InputError):
        parse_vkey("a+b+c")


def test_the_ed25519_message_is_as_the_specification_shows_it() -> None:
    """C2SP tlog-cosignature, "Ed25519 signed message": "two newline (U+000A) terminated lines (one
    header line and one timestamp line) followed by the whole note body of the cosigned checkpoint".
    """
    line = CLASSIC.cosign(TEXT, WHEN)
    assert line.value[:8] == WHEN.to_bytes(8, "big")
    message = f"cosignature/v1\ntime {WHEN}\n{TEXT}".encode()
    fixed_key(2).public_key().verify(line.value[8:], message)


def test_the_ml_dsa_44_message_is_the_structure_of_the_specification(quantum: CosignerKey) -> None:
    """C2SP tlog-cosignature, "ML-DSA-44 signed message": `cosigned_message`, for a checkpoint:
    start zero, "end … is the size of the tree".
    """
    from cryptography.hazmat.primitives.asymmetric.mldsa import (  # noqa: PLC0415
        MLDSA44PrivateKey,
    )

    name, origin = quantum.name.encode(), LOG.name.encode()
    message = (
        b"subtree/v1\n\0"
        + bytes([len(name)])
        + name
        + WHEN.to_bytes(8, "big")
        + bytes([len(origin)])
        + origin
        + bytes(8)
        + CHECKPOINT.size.to_bytes(8, "big")
        + CHECKPOINT.root
    )
    line = quantum.cosign(TEXT, WHEN)
    assert len(line.value) == 8 + 2420
    assert isinstance(quantum.private, MLDSA44PrivateKey)
    quantum.private.public_key().verify(line.value[8:], message)


@pytest.mark.parametrize("part", ["name", "time", "size", "root", "origin", "signature", "key"])
def test_what_was_not_signed_does_not_verify(key: CosignerKey, part: str) -> None:
    line = key.cosign(TEXT, WHEN)
    assert key.cosigner.signed_at(TEXT, line.value) == WHEN
    text, value, cosigner = TEXT, line.value, key.cosigner
    if part == "name":
        # The Ed25519 type "doesn't commit to the cosigner name": its key ID does.
        cosigner = Cosigner("witness.example.com/w2", cosigner.kind, cosigner.public)
        (judged,) = judge(text, [line], [cosigner])
        assert judged.key is None
        if cosigner.kind == ED25519:
            return
    elif part == "time":
        value = (WHEN + 1).to_bytes(8, "big") + value[8:]
    elif part == "signature":
        value = value[:-1] + bytes([value[-1] ^ 1])
    elif part == "key":
        cosigner = Cosigner(cosigner.name, cosigner.kind, bytes(len(cosigner.public)))
    else:
        changed = {
            "size": Checkpoint(LOG.name, CHECKPOINT.size + 1, CHECKPOINT.root),
            "root": Checkpoint(LOG.name, CHECKPOINT.size, bytes(32)),
            "origin": Checkpoint("example.com/other", CHECKPOINT.size, CHECKPOINT.root),
        }
        text = changed[part].text()
    assert cosigner.signed_at(text, value) is None


@given(st.binary(max_size=100) | st.binary(min_size=2428, max_size=2428))
def test_no_bytes_make_a_cosignature(value: bytes) -> None:
    assert CLASSIC.cosigner.signed_at(TEXT, value) is None
    empty = Cosigner("w", MLDSA44, bytes(1312))
    assert empty.signed_at(TEXT, value) is None


def test_a_witness_may_not_leave_out_the_time() -> None:
    """C2SP tlog-witness: "The cosignature MUST NOT omit the timestamp, i.e. the timestamp MUST NOT
    be zero." And tlog-cosignature: "It MUST NOT exceed 2^63 - 1".
    """
    for time in (0, 2**63, 2**64 - 1):
        line = CLASSIC.cosign(TEXT, time)
        assert CLASSIC.cosigner.signed_at(TEXT, line.value) is None
    line = CLASSIC.cosign(TEXT, 2**63 - 1)
    assert CLASSIC.cosigner.signed_at(TEXT, line.value) == 2**63 - 1


def test_unknown_keys_are_ignored_and_a_known_key_that_fails_is_not(key: CosignerKey) -> None:
    """C2SP signed-note: "Verifiers MUST ignore signatures from unknown keys, even if they share a
    name or ID (but not both) with a known key. … If a signature from a known key fails to verify,
    clients SHOULD reject the whole note."
    """
    good = key.cosign(TEXT, WHEN)
    strangers = [
        Signature(good.name, b"\0\0\0\0", good.value),
        Signature("someone.else/w", good.key_id, good.value),
    ]
    whole = SIGNED + "".join(f"{one}\n" for one in (*strangers, good))
    text, signed = open_checkpoint(whole, [LOG.verifier, key.cosigner])
    assert (text, signed) == (TEXT, {LOG.verifier: 0, key.cosigner: WHEN})
    with pytest.raises(IntegrityError, match="not signed by any key"):
        open_checkpoint(whole, [Signer("x", fixed_key(9)).verifier])
    forged = Signature(good.name, good.key_id, good.value[:-1] + bytes([good.value[-1] ^ 1]))
    for lines in ([forged], [good, forged], [forged, good]):
        with pytest.raises(IntegrityError, match="does not verify"):
            open_checkpoint(SIGNED + "".join(f"{x}\n" for x in lines), [LOG.verifier, key.cosigner])


def test_a_note_may_have_many_signatures_and_not_too_many() -> None:
    """C2SP signed-note: "Verifiers SHOULD apply a maximum limit to the number of signatures in a
    note … but MUST accept at least up to 16 signatures."
    """
    line = f"{CLASSIC.cosign(TEXT, WHEN)}\n"
    for count in (1, 16, note.MAX_SIGNATURES):
        text, signatures = note.split(f"{TEXT}\n{line * count}")
        assert (text, len(signatures)) == (TEXT, count)
    with pytest.raises(IntegrityError, match="more than"):
        note.split(f"{TEXT}\n{line * (note.MAX_SIGNATURES + 1)}")


def test_openssl_checks_our_ed25519_notes_and_cosignatures(tmp_path: Path) -> None:
    """An implementation that is not ours: a stock `openssl`, from the vkey and the lines alone."""

    def openssl_verifies(vkey: str, message: bytes, signature: bytes) -> bool:
        raw = base64.b64decode(vkey.split("+", 2)[2])[1:]
        # RFC 8410: the SubjectPublicKeyInfo of an Ed25519 key is this prefix and the 32 bytes.
        (tmp_path / "key.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + raw)
        (tmp_path / "message").write_bytes(message)
        (tmp_path / "signature").write_bytes(signature)
        done = subprocess.run(
            (*OPENSSL, "-inkey", "key.der", "-in", "message", "-sigfile", "signature"),
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        return done.returncode == 0

    whole = f"{SIGNED}{CLASSIC.cosign(TEXT, WHEN)}\n"
    body, _, lines = whole.rpartition("\n\n")
    logs, witness = [base64.b64decode(line.split(" ")[2]) for line in lines.splitlines()]
    text = f"{body}\n".encode()
    assert openssl_verifies(str(LOG.verifier), text, logs[4:])
    time = int.from_bytes(witness[4:12], "big")
    message = f"cosignature/v1\ntime {time}\n".encode() + text
    assert openssl_verifies(str(CLASSIC.cosigner), message, witness[12:])
    assert not openssl_verifies(str(CLASSIC.cosigner), message + b"x", witness[12:])
