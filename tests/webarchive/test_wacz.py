"""A WACZ's verdict: each part changed, missing or added is seen, and a signature that was stripped.

WACZ 1.1.1: "Additional files MUST be listed in the resources section of datapackage.json".
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.testing import web_archives as make
from holdfast.webarchive.judge import judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.webarchive.report import Report

URL = "http://bank.example/login"
KEY = ec.derive_private_key(7, ec.SECP256R1())
EXCHANGE = make.exchange(URL, make.get("/login", "bank.example"), make.ok(b"<p>Welcome"))
RECORDS = [("", make.warcinfo()), *((URL, one) for one in EXCHANGE)]
SIGNED = make.wacz(RECORDS, [(URL, "Bank")], key=KEY)
PLAIN = make.wacz(RECORDS, [(URL, "Bank")])


def report(content: bytes, *, require: bool = False) -> Report:
    return judge(io.BytesIO(content), require_signature=require)


def broken(content: bytes, *, require: bool = False) -> set[str]:
    found = report(content, require=require)
    return {one.rule.name for one in found.findings if one.rule.severity.value != "note"}


def changed(content: bytes, change: Callable[[dict[str, bytes]], Any]) -> bytes:
    parts = make.unpacked(content)
    change(parts)
    return make.packed(parts)


def test_what_is_right_is_valid_and_signed() -> None:
    found = report(SIGNED)
    assert (found.verdict, dict(found.counts)) == ("valid", {"signature.anonymous": 1})
    signature = found.facts["signature"]
    assert isinstance(signature, dict)
    assert (signature["kind"], signature["good"]) == ("anonymous", True)
    assert report(SIGNED, require=True).verdict == "valid"


def test_what_is_unsigned_is_called_so_and_refused_where_a_signature_is_asked_for() -> None:
    found = report(PLAIN)
    assert (found.verdict, dict(found.counts)) == ("valid", {"signature.missing": 1})
    assert broken(PLAIN, require=True) == {"signature.required"}


@pytest.mark.parametrize("strip", ["file", "signedData"])
def test_a_stripped_signature_is_no_silence(strip: str) -> None:
    def take(parts: dict[str, bytes]) -> None:
        digest = json.loads(parts.pop("datapackage-digest.json"))
        del digest["signedData"]
        if strip == "signedData":
            parts["datapackage-digest.json"] = json.dumps(digest).encode()

    stripped = changed(SIGNED, take)
    assert "signature.required" in broken(stripped, require=True)
    assert report(stripped).facts["signature"] == {"kind": "none", "good": False}
    # A capture of ours tells of its signature by itself: nobody has to ask.
    ours = make.wacz(RECORDS, [(URL, "Bank")], key=KEY, extra={"capture/capture.json": b"{}"})
    assert report(ours).verdict == "valid"
    assert "signature.stripped" in broken(changed(ours, take))
    by_name = make.wacz(RECORDS, [(URL, "Bank")], key=KEY, software="Holdfast 0.1.0")
    assert "signature.stripped" in broken(changed(by_name, take))


def test_a_signature_by_another_key_or_over_another_hash_does_not_hold() -> None:
    def other_hash(parts: dict[str, bytes]) -> None:
        manifest = json.loads(parts["datapackage.json"])
        manifest["title"] = "another"
        parts["datapackage.json"] = json.dumps(manifest).encode()
        digest = json.loads(parts["datapackage-digest.json"])
        digest["hash"] = make.labelled(parts["datapackage.json"])
        parts["datapackage-digest.json"] = json.dumps(digest).encode()

    def other_key(parts: dict[str, bytes]) -> None:
        digest = json.loads(parts["datapackage-digest.json"])
        other = make.sign(b"", make.DATE, ec.derive_private_key(8, ec.SECP256R1()))
        digest["signedData"]["publicKey"] = other["publicKey"]
        parts["datapackage-digest.json"] = json.dumps(digest).encode()

    assert broken(changed(SIGNED, other_hash)) == {"signature.hash"}
    assert broken(changed(SIGNED, other_key)) == {"signature.value"}


def _edit(name: str, data: bytes | None) -> Callable[[dict[str, bytes]], None]:
    def edit(parts: dict[str, bytes]) -> None:
        if data is None:
            del parts[name]
        else:
            parts[name] = data

    return edit


def _rename(parts: dict[str, bytes]) -> None:
    parts["../out"] = b"x"


CHANGES: dict[str, tuple[Callable[[dict[str, bytes]], None], set[str]]] = {
    "part added": (_edit("notes.txt", b"x"), {"manifest.unlisted"}),
    "part outside": (_rename, {"zip.name", "manifest.unlisted"}),
    "pages gone": (_edit("pages/pages.jsonl", None), {"manifest.absent", "layout.pages"}),
    "archive gone": (
        _edit("archive/data.warc.gz", None),
        {"manifest.absent", "layout.archive", "index.dangling"},
    ),
    "index gone": (_edit("indexes/index.cdxj", None), {"manifest.absent", "layout.indexes"}),
    "manifest gone": (
        _edit("datapackage.json", None),
        {"manifest.missing", "manifest.unlisted", "digest.hash", "signature.hash",
         "signature.manifest-created"},
    ),
    "manifest broken": (
        _edit("datapackage.json", b"{"),
        {"manifest.form", "manifest.unlisted", "digest.hash", "signature.hash",
         "signature.manifest-created"},
    ),
    "page list broken": (
        _edit("pages/pages.jsonl", b"{}\n{\n"),
        {"manifest.hash", "manifest.bytes", "pages.form", "pages.header"},
    ),
    "index broken": (
        _edit("indexes/index.cdxj", b"a 2026 {}\nnothing\n"),
        {"manifest.hash", "manifest.bytes", "index.form"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_a_changed_part_is_seen(name: str) -> None:
    change, expected = CHANGES[name]
    assert broken(changed(SIGNED, change)) == expected


def test_an_index_that_leads_elsewhere_is_seen() -> None:
    line = make.unpacked(SIGNED)["indexes/index.cdxj"]
    entry = json.loads(line[line.index(b"{") :])

    def broken_by(**fields: str) -> set[str]:
        text = f"bank.example/login 20260304101112 {json.dumps(entry | fields)}\n".encode()
        found = broken(changed(SIGNED, _edit("indexes/index.cdxj", text)))
        return found - {"manifest.hash", "manifest.bytes"}

    assert broken_by() == set()
    assert broken_by(url="http://other.example/") == {"index.url"}
    assert broken_by(offset="3") == {"index.dangling"}
    assert broken_by(filename="other.warc.gz") == {"index.dangling"}
    assert broken_by(recordDigest=make.labelled(b"")) == {"index.digest"}
    longer = str(int(entry["length"]) + 1)
    assert "index.length" in broken_by(length=longer)


def test_a_zip_that_two_readers_see_differently_is_seen() -> None:
    parts = make.unpacked(SIGNED)
    out = io.BytesIO()
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(out, "w") as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data)
        archive.writestr(zipfile.ZipInfo("pages/pages.jsonl"), b"{}")
    assert "zip.duplicate" in broken(out.getvalue())

    at = SIGNED.index(b"pages/pages.jsonl")  # the local header comes first
    renamed = SIGNED[:at] + b"pages/other.jsonl" + SIGNED[at + len(b"pages/other.jsonl") :]
    assert "zip.disagrees" in broken(renamed)
    assert "zip.hidden" in broken(b"PK\x03\x04" + bytes(60) + SIGNED)

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    assert "zip.again" in broken(out.getvalue())


def test_a_warc_that_breaks_its_standard_makes_the_wacz_invalid() -> None:
    bad = [("", make.warcinfo(date="yesterday"))]
    found = report(make.wacz([*RECORDS, *bad], [(URL, "Bank")], key=KEY))
    assert {"warc.invalid"} == {f.rule.name for f in found.findings} - {"signature.anonymous"}
    warcs = found.facts["warcs"]
    assert isinstance(warcs, list)
    assert [one["verdict"] for one in warcs if isinstance(one, dict)] == ["invalid"]


COVERED = [
    (SIGNED.index(data), SIGNED.index(data) + len(data)) for data in make.unpacked(SIGNED).values()
]


@settings(max_examples=60)
@given(st.sampled_from(COVERED), st.data(), st.integers(1, 255))
def test_any_byte_changed_in_any_part_is_seen(
    part: tuple[int, int], data: st.DataObject, change: int
) -> None:
    at = data.draw(st.integers(part[0], part[1] - 1))
    content = bytearray(SIGNED)
    content[at] ^= change
    assert report(bytes(content)).verdict == "invalid"


@settings(max_examples=60)
@given(st.data())
def test_no_wacz_crashes_the_check(data: st.DataObject) -> None:
    content = bytearray(SIGNED[: data.draw(st.integers(0, len(SIGNED)))])
    for _ in range(data.draw(st.integers(0, 8))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    report(bytes(content)).as_json()
