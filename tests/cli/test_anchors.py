"""`anchors`: what a court holds bundles to: the log, its witnesses, its time authorities."""

from __future__ import annotations

import base64
import datetime
import hashlib
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from holdfast.vault.cosignature import ED25519, Cosigner
from holdfast.vault.policy import Policy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line


def certificate() -> x509.Certificate:
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Time Root")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(7)
    builder = builder.not_valid_before(start).not_valid_after(start + datetime.timedelta(3650))
    return builder.sign(key, None)


@pytest.fixture
def vouched(line: Line, tmp_path: Path) -> tuple[Line, str, x509.Certificate]:
    """A vault that has a witness and a time authority set, neither of which is there."""
    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    vkey = str(Cosigner("court.example/w", ED25519, public))
    policy = tmp_path / "policy"
    log = line.must("anchors").out.splitlines()[-1]
    quorum = "group all-of-them all court\nquorum all-of-them\n"
    policy.write_text(f"# ours\n{log}\nwitness court {vkey}\n{quorum}")
    line.must("log", "witnesses", policy)
    root = certificate()
    (tmp_path / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
    (tmp_path / "authorities.toml").write_text(
        '[[authority]]\nname = "office"\nurl = "http://127.0.0.1:1/"\nroots = ["root.pem"]\n'
    )
    line.must("log", "authorities", tmp_path / "authorities.toml")
    return line, vkey, root


def test_without_others_the_anchors_name_the_log(line: Line) -> None:
    said = [one for one in line.must("anchors").out.splitlines() if not one.startswith("# ")]
    assert len(said) == 1
    assert said[0].startswith("log ")


def test_the_anchors_name_log_witnesses_quorum_and_roots(
    vouched: tuple[Line, str, x509.Certificate],
) -> None:
    line, vkey, root = vouched
    told = line.must("anchors").out
    der = base64.b64encode(root.public_bytes(Encoding.DER)).decode()
    assert [one for one in told.splitlines() if not one.startswith("# ")][1:] == [
        f"witness court {vkey}",
        "group all-of-them all court",
        "quorum all-of-them",
        f"#tsa office {der}",
    ]
    # "A tlog-policy, so other programs read it too."
    read = Policy.parse(told.encode())
    assert [one.name for one in read.witnesses] == ["court"]
    assert read.quorum == "all-of-them"


def test_the_page_holds_the_same_lines(
    vouched: tuple[Line, str, x509.Certificate], tmp_path: Path
) -> None:
    line, vkey, _ = vouched
    file = tmp_path / "anchors.pdf"
    told = line.must("anchors", "--page", file).out
    lines = [one for one in told.splitlines() if not one.startswith("# ")]
    assert file.read_bytes().startswith(b"%PDF-1.")
    assert line("anchors", "--page", file).code == 3
    if shutil.which("pdftotext") is None:
        pytest.skip(
            "pdftotext is not here, so the text is not looked at: apt install poppler-utils"
        )
    shown = subprocess.run(["pdftotext", file, "-"], capture_output=True, check=True, text=True)
    flat = "".join(shown.stdout.split()).replace("\u200b", "")
    assert vkey in flat
    assert hashlib.sha256("".join(f"{one}\n" for one in lines).encode()).hexdigest() in flat
