"""Entries: commitments that bind, disclosures that can be erased, signatures that outlive it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import canonical
from holdfast.core.errors import IntegrityError
from holdfast.vault import entry
from holdfast.vault.merkle import leaf_hash
from holdfast.vault.note import Signer
from tests.vault.keys import fixed_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.core.canonical import Json
    from holdfast.vault.entry import Sealed

KEY = bytes(range(32))
FIELDS: dict[str, Json] = {"act": "case.open", "case": "2026-0001", "title": "Ärger", "n": [1, {}]}

NAMES = st.text("abcdefgh_", min_size=1, max_size=8).filter(lambda name: name != "signature")
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
ALL_FIELDS = st.dictionaries(NAMES, VALUES, max_size=12)


def edited(sealed: Sealed, change: Callable[[dict[str, Any]], object]) -> bytes:
    body = json.loads(sealed.body)
    change(body)
    return canonical.dumps(body)


@given(ALL_FIELDS, st.integers(1, 2**40))
def test_what_is_sealed_is_read_again(fields: dict[str, Json], sequence: int) -> None:
    sealed = entry.seal(fields, KEY, sequence)
    one = entry.read(7, sealed.leaf, sealed.body)
    assert one.fields == fields
    assert (one.index, one.sequence) == (7, sequence)
    assert one.hash == leaf_hash(sealed.leaf)
    assert sealed.entry(7, fields) == one
    assert sealed.entry(7, fields).fields == fields


@given(ALL_FIELDS)
def test_leaf_and_body_are_canonical_and_of_one_line(fields: dict[str, Json]) -> None:
    sealed = entry.seal(fields, KEY, 1)
    for data in (sealed.leaf, sealed.body):
        canonical.loads(data)
        assert data.splitlines() == [data]


def test_a_commitment_is_what_a_stranger_computes() -> None:
    """SHA-256 over "holdfast-field/1\\n" and the disclosure, which is [salt, name, value]."""
    sealed = entry.seal(FIELDS, KEY, 3)
    leaf, body = json.loads(sealed.leaf), json.loads(sealed.body)
    assert leaf["v"] == 1
    for name, text in body["disclosures"].items():
        salt, said, value = json.loads(text)
        assert (said, value) == (name, FIELDS[name])
        assert len(base64.urlsafe_b64decode(salt + "==")) >= 16
        digest = hashlib.sha256(b"holdfast-field/1\n" + text.encode()).hexdigest()
        assert leaf["fields"][name] == digest
    tag = hmac.new(KEY, b"holdfast-tag/1\n3", hashlib.sha256).hexdigest()
    assert leaf["tag"] == tag


def test_salts_differ_between_fields_and_entries() -> None:
    """Salts of 128 bits or more: two fields of the same value must not look alike in the leaf."""
    salts = set()
    for _ in range(50):
        body = json.loads(entry.seal({"a": 1, "b": 1, "c": 1, "d": 1}, KEY, 1).body)
        salts |= {json.loads(text)[0] for text in body["disclosures"].values()}
    assert len(salts) == 200
    assert {len(salt) for salt in salts} == {22}
    alphabet = {character for salt in salts for character in salt}
    assert len(alphabet) == 64


@given(ALL_FIELDS, st.data())
def test_erasing_a_disclosure_leaves_every_proof_intact(
    fields: dict[str, Json], data: st.DataObject
) -> None:
    sealed = entry.seal(fields, KEY, 1)
    gone = data.draw(st.sets(st.sampled_from(sorted(fields)))) if fields else set()
    body = edited(sealed, lambda b: [b["disclosures"].pop(name) for name in gone])
    one = entry.read(0, sealed.leaf, body)
    assert one.hash == leaf_hash(sealed.leaf)
    assert set(one.commitments) == set(fields)
    assert one.fields == {name: value for name, value in fields.items() if name not in gone}


def set_value(name: str, value: Json) -> Callable[[dict[str, Any]], object]:
    def change(body: dict[str, Any]) -> None:
        salt, _, _ = json.loads(body["disclosures"][name])
        body["disclosures"][name] = json.dumps([salt, name, value])

    return change


def swap(body: dict[str, Any]) -> None:
    said = body["disclosures"]
    said["title"], said["act"] = said["act"], said["title"]


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (set_value("title", "Fun"), "title"),
        (set_value("title", "Ärger"), "title"),  # the same value, written with other bytes
        (swap, "act|title"),
        (lambda body: body["disclosures"].update(added='["s","added",1]'), "added"),
    ],
)
def test_a_changed_value_is_named(change: Callable[[dict[str, Any]], object], fields: str) -> None:
    sealed = entry.seal(FIELDS, KEY, 1)
    with pytest.raises(
        IntegrityError, match=f"body of entry 9 was changed: its field '({fields})'"
    ):
        entry.read(9, sealed.leaf, edited(sealed, change))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b"{}",
        b'{"disclosures":{}}',
        b'{"disclosures":[],"sequence":1}',
        b'{"disclosures":{},"sequence":"1"}',
        b'{"disclosures":{},"sequence":true}',
        b'{"disclosures":{"act":1},"sequence":1}',
        b'{"disclosures":{"act":"x"},"sequence":null}',
    ],
)
def test_a_body_of_another_shape_is_malformed(body: bytes) -> None:
    """An edited file must give a line that names it, whatever was written into it."""
    sealed = entry.seal(FIELDS, KEY, 1)
    with pytest.raises(IntegrityError, match="entry 4 of the custody log is malformed"):
        entry.read(4, sealed.leaf, body)


@pytest.mark.parametrize(
    "leaf",
    [
        b"{}",
        b'{"fields":{},"tag":"","v":2}',
        b'{"fields":[],"tag":"","v":1}',
        b'{"fields":{"a":1},"tag":"","v":1}',
        b'{"fields":{},"tag":1,"v":1}',
        b'{"fields":{},"v":1}',
    ],
)
def test_a_leaf_of_another_shape_is_malformed(leaf: bytes) -> None:
    body = b'{"disclosures":{},"sequence":1}'
    with pytest.raises(IntegrityError, match="entry 4 of the custody log is malformed"):
        entry.read(4, leaf, body)


@pytest.mark.parametrize("text", ["", "{", "1", "[]", '["s","act"]', '["s","other",1]', '{"2":1}'])
def test_a_disclosure_that_is_committed_to_and_is_none_is_malformed(text: str) -> None:
    """Whoever holds the log's key can commit to anything; reading it must still end in a line."""
    leaf = canonical.dumps({"fields": {"act": entry.commitment(text)}, "tag": "", "v": 1})
    body = canonical.dumps({"disclosures": {"act": text}, "sequence": 1})
    with pytest.raises(IntegrityError, match="entry 4 of the custody log is malformed"):
        assert entry.read(4, leaf, body).fields


def test_a_signature_covers_this_entry_and_the_ones_before() -> None:
    signer = Signer("Alice", fixed_key(5))
    before = [leaf_hash(b"one"), leaf_hash(b"two")]
    sealed = entry.sign(
        entry.encoded(FIELDS), KEY, 1, signer=signer, origin="log.example", covered=before
    )
    one = entry.read(2, sealed.leaf, sealed.body)
    value = one.fields["signature"]
    assert (value["covers"], value["key"]) == (2, signer.verifier.key_id.hex())
    signature = base64.b64decode(value["sig"])

    def holds(origin: str, covered: list[bytes], commitments: dict[str, str]) -> bool:
        message = entry.act_message(origin, covered, commitments)
        return signer.verifier.verifies(message, signature)

    assert holds("log.example", before, one.commitments)
    assert not holds("other.example", before, one.commitments)
    assert not holds("log.example", before[::-1], one.commitments)
    assert not holds("log.example", before[1:], one.commitments)
    assert not holds("log.example", [], one.commitments)
    for name in FIELDS:
        changed = {**one.commitments, name: entry.commitment("other")}
        assert not holds("log.example", before, changed)
        assert not holds("log.example", before, {k: v for k, v in changed.items() if k != name})
    # An erasure takes away disclosures, not commitments: the signature outlives it.
    gone = edited(sealed, lambda body: [body["disclosures"].pop(name) for name in FIELDS])
    assert holds("log.example", before, entry.read(2, sealed.leaf, gone).commitments)


def test_the_signed_message_is_what_a_stranger_computes() -> None:
    covered = [bytes(32)]
    message = entry.act_message("log.example", covered, {"b": "22", "signature": "x", "a": "11"})
    assert message == (
        b"holdfast-act/1\nlog.example\n" + b"00" * 32 + b"\n" + b'{"a":"11","b":"22"}'
    )


def test_tags_tell_nothing_without_the_chains_key() -> None:
    tags = {entry.tag(KEY, n) for n in range(1, 100)}
    assert len(tags) == 99
    assert not tags & {entry.tag(bytes(32), n) for n in range(1, 100)}


@pytest.mark.parametrize("value", [2**60, "\ud800", ["\udfff"], b"bytes"])
def test_a_value_without_a_canonical_form_is_not_sealed(value: object) -> None:
    with pytest.raises(ValueError, match=r"JSON|name"):
        entry.seal({"field": cast("Json", value)}, KEY, 1)


def test_the_empty_cases_and_acts_read_as_none() -> None:
    one = entry.read(0, *_pair(entry.seal({"case": None}, KEY, 1)))
    assert (one.case, one.act) == (None, "")
    one = entry.read(0, *_pair(entry.seal(FIELDS, KEY, 1)))
    assert (one.case, one.act) == ("2026-0001", "case.open")


def _pair(sealed: Sealed) -> tuple[bytes, bytes]:
    return sealed.leaf, sealed.body
