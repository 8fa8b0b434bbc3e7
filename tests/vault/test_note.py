"""Signed notes: the specification's own example, and everything that must not pass for one."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.errors import InputError, IntegrityError
from holdfast.vault.note import Signer, Verifier, open_note
from tests.vault.keys import fixed_key

VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
TEXT = "This is an example message.\n"
LINE = (
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuw"
    "HjG1Yu72IneyaQM=\n"
)
KNOWN = Signer("log.example/1", fixed_key(1))
OTHER = Signer("witness.example/w", fixed_key(2))


def signature_line(signer: Signer, text: str) -> str:
    return signer.sign_note(text).rpartition("\n\n")[2]


def test_the_specifications_example_verifies() -> None:
    """C2SP signed-note, "Example": "The following verifier key … verifies the following signed
    note".
    """
    verifier = Verifier.parse(VKEY)
    assert str(verifier) == VKEY
    assert verifier.name == "example.com/foo"
    assert verifier.key_id.hex() == "530d903a"
    assert open_note(f"{TEXT}\n{LINE}", verifier) == TEXT


def test_what_we_sign_has_the_specified_form() -> None:
    """C2SP signed-note: "A signed note consists of a text ending in newline (U+000A), followed by a
    blank line (only a newline), followed by one or more signature lines of this form: em dash
    (U+2014), space (U+0020), key name, space, base64-encoded signature, newline."
    """
    note = KNOWN.sign_note("a\nb\n")
    text, line = note[:4], note[5:]
    assert text == "a\nb\n"
    assert note[4] == "\n"
    assert line.startswith("\u2014 log.example/1 ")
    blob = base64.b64decode(line[:-1].split(" ")[2], validate=True)
    assert blob[:4] == KNOWN.verifier.key_id
    assert len(blob) == 4 + 64
    assert open_note(note, KNOWN.verifier) == text


@given(st.integers(0, len(f"{TEXT}\n{LINE}".encode()) - 1), st.integers(0, 7))
def test_no_bit_of_a_note_can_be_flipped(at: int, bit: int) -> None:
    """C2SP signed-note: "If no signature from a known key verifies successfully, clients MUST
    reject the note."
    """
    data = bytearray(f"{TEXT}\n{LINE}".encode())
    data[at] ^= 1 << bit
    try:
        changed = data.decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(IntegrityError):
        open_note(changed, Verifier.parse(VKEY))


def test_the_text_is_separated_by_the_last_empty_line() -> None:
    """C2SP signed-note: "The note text MAY contain empty lines; the text is separated from the
    signatures by the last empty line in the note."
    """
    text = "one\n\n\u2014 log.example/1 AAAAAAAA\n\ntwo\n"
    assert open_note(KNOWN.sign_note(text), KNOWN.verifier) == text


def test_signatures_of_unknown_keys_are_ignored_wherever_they_stand() -> None:
    """C2SP signed-note: "Verifiers MUST ignore signatures from unknown keys, even if they share a
    name or ID (but not both) with a known key."
    """
    namesake = Signer(KNOWN.name, fixed_key(3))
    lines = [signature_line(one, TEXT) for one in (OTHER, namesake, KNOWN, OTHER)]
    assert open_note(f"{TEXT}\n{''.join(lines)}", KNOWN.verifier) == TEXT
    # The known key's ID under another name, with rubbish behind it.
    blob = base64.b64encode(KNOWN.verifier.key_id + b"rubbish").decode()
    assert open_note(f"{TEXT}\n— x {blob}\n{lines[2]}", KNOWN.verifier) == TEXT
    with pytest.raises(IntegrityError, match="is not signed by log"):
        open_note(f"{TEXT}\n{lines[0]}{lines[1]}", KNOWN.verifier)


def test_at_least_sixteen_signatures_are_accepted() -> None:
    """C2SP signed-note: "Verifiers … MUST accept at least up to 16 signatures." """
    lines = [signature_line(Signer(f"w{n}", fixed_key(n + 4)), TEXT) for n in range(15)]
    lines.append(signature_line(KNOWN, TEXT))
    assert open_note(f"{TEXT}\n{''.join(lines)}", KNOWN.verifier) == TEXT


@pytest.mark.parametrize("before", [True, False])
def test_a_false_signature_of_a_known_key_fails_the_note_beside_a_true_one(before: bool) -> None:
    """C2SP signed-note: "If a signature from a known key fails to verify, clients SHOULD reject the
    whole note."
    """
    true, false = signature_line(KNOWN, TEXT), signature_line(KNOWN, "another text\n")
    lines = false + true if before else true + false
    with pytest.raises(IntegrityError, match="on the note does not verify"):
        open_note(f"{TEXT}\n{lines}", KNOWN.verifier)


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        f"{TEXT}\n",
        f"{TEXT}{LINE}",
        f"{TEXT}\n{LINE}".rstrip("\n"),
        f"{TEXT}\n{LINE}\n",
        f"{TEXT}\n{LINE.replace('— ', '- ')}",
        f"{TEXT}\n{LINE.replace('— ', '—')}",
        f"{TEXT}\n{LINE.replace('=', '')}",
        f"{TEXT}\n{LINE.replace('Uw2Q', 'Uw2Q!')}",
        f"{TEXT}\n— example.com/foo Uw2QOg==\n",
        f"{TEXT}\n— example.com/foo \n",
        f"{TEXT}\n{LINE}rubbish\n",
        f"{TEXT}\nrubbish\n{LINE}",
        f"{TEXT}\n{LINE}— x AAAA\n",
        f"{TEXT}\n{LINE}—  {base64.b64encode(bytes(68)).decode()}\n",
        f"{TEXT}\n{LINE}— a+b {base64.b64encode(bytes(68)).decode()}\n",
        f"{TEXT}\n{LINE}— a\u00a0b {base64.b64encode(bytes(68)).decode()}\n",
        f"{TEXT}\r\n\n{LINE}",
        f"{TEXT}\n{LINE}".replace("\n", "\r\n"),
    ],
)
def test_a_malformed_note_is_refused(note: str) -> None:
    """C2SP signed-note: "Signed notes … MUST NOT contain any ASCII control characters (those below
    U+0020) other than newline." "Key names MUST be non-empty and MUST NOT contain any Unicode
    spaces or plus."
    """
    with pytest.raises(IntegrityError, match="the note"):
        open_note(note, Verifier.parse(VKEY))


def test_a_text_with_a_control_character_is_refused_though_its_signature_is_true() -> None:
    for text in ("a\tb\n", "a\r\n", "\x00\n", "a\x1b[2J\n"):
        with pytest.raises(IntegrityError, match="the note"):
            open_note(KNOWN.sign_note(text), KNOWN.verifier)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+A",
        "example.com/foo+530d903a+",
        "\udcff+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "x" * 10_000,
    ],
)
def test_a_verifier_key_that_contradicts_itself_is_refused(vkey: str) -> None:
    """C2SP signed-note: "key ID = SHA-256(key name || 0x0A || 0x01 || 32-byte Ed25519 public
    key)[:4]"
    """
    with pytest.raises(InputError, match="is not an Ed25519 verifier key; copy the whole line"):
        Verifier.parse(vkey)


def test_a_key_with_a_plus_in_its_material_is_read() -> None:
    """C2SP signed-note: "three parts separated by a plus (U+002B) character\" and base64 has pluses
    of its own.
    """
    found = False
    for number in range(200):
        verifier = Signer("n", fixed_key(number)).verifier
        found |= "+" in str(verifier).split("+", 2)[2]
        assert Verifier.parse(str(verifier)) == verifier
    assert found
