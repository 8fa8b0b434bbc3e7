"""The sentences that a web archive can break, each with its place in its standard.

ISO 28500:2009 is WARC 1.0, ISO 28500:2017 is WARC 1.1; section numbers are given for both where
they differ. The sentences are told in our words. How heavily one weighs follows the standard's own
verbs (its clause on verbal forms): `shall` is an error, `should` and `recommended` a deviation.
Where we weigh a `shall` less, `why` says so; docs/decisions/0038 has the reasons.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Severity(enum.Enum):
    """What it means that a sentence is broken."""

    ERROR = "error"
    """The archive does not conform."""
    DEVIATION = "deviation"
    """It conforms, and leaves a recommendation aside."""
    NOTE = "note"
    """Worth knowing; no sentence is broken."""


@dataclass(frozen=True)
class Rule:
    """One sentence."""

    name: str
    severity: Severity
    section: str
    """Where the sentence stands: `ISO 28500 5.2`, or `5.12 (1.0), 5.14 (1.1)`."""
    sentence: str
    why: str = ""


_E, _D, _N = Severity.ERROR, Severity.DEVIATION, Severity.NOTE
_TABLE: tuple[tuple[str, Severity, str, str], ...] = (
    # Structure
    ("file.empty", _E, "4", "A WARC file is one or more records."),
    ("version.missing", _E, "4", "The version stands first in every record, and begins the file."),
    ("version.unknown", _E, "4", "The version is WARC/1.0 or WARC/1.1."),
    ("version.draft", _N, "4", "The version is that of a draft (0.17, 0.18); judged as WARC/1.0."),
    ("version.mixed", _N, "4", "Records of different versions stand in one file."),
    ("header.unfinished", _E, "4", "A header is fields that a blank line ends."),
    ("header.line-end", _E, "4", "Every line of a header ends with CR LF."),
    ("header.too-long", _E, "4", "A header over 1 MiB, or a line over 64 KiB, is not read on."),
    ("field.syntax", _E, "4", "A field is a name, a colon and a value."),
    ("field.name", _E, "4", "A field's name is a token: ASCII without controls or separators."),
    ("field.utf8", _E, "4", "Field values hold UTF-8."),
    ("field.control", _E, "4", "Field values hold no control characters."),
    ("field.empty", _E, "5", "A defined field has a value of its own form; none is given."),
    (
        "field.repeated",
        _E,
        "5.1",
        "A field is not repeated in a record, but for WARC-Concurrent-To.",
    ),
    (
        "record.short",
        _E,
        "5.3",
        "Content-Length is the number of octets in the block; there are fewer.",
    ),
    ("record.end", _E, "4", "Two new lines (CR LF CR LF) follow the block."),
    ("file.stray", _E, "4", "A WARC file is the concatenation of records, and nothing else."),
    # Mandatory fields
    ("id.missing", _E, "5.2", "Every record has a WARC-Record-ID."),
    ("length.missing", _E, "5.3", "Every record has a Content-Length."),
    ("date.missing", _E, "5.4", "Every record has a WARC-Date."),
    ("type.missing", _E, "5.5", "Every record has a WARC-Type."),
    (
        "target.missing",
        _E,
        "5.12 (1.0), 5.14 (1.1)",
        "response, resource, request, revisit, conversion and continuation records have a "
        "WARC-Target-URI.",
    ),
    ("profile.missing", _E, "5.16 (1.0), 5.18 (1.1)", "A revisit record has a WARC-Profile."),
    ("revisit.digest", _E, "6.7.2", "A revisit by identical payload has a WARC-Payload-Digest."),
    (
        "segment.number-missing",
        _E,
        "5.18 (1.0), 5.20 (1.1)",
        "A continuation record has a WARC-Segment-Number.",
    ),
    (
        "segment.origin-missing",
        _E,
        "5.19 (1.0), 5.21 (1.1)",
        "A continuation record has a WARC-Segment-Origin-ID.",
    ),
    (
        "content-type.missing",
        _D,
        "5.6",
        "A record with a block, unless a continuation, should have a Content-Type.",
    ),
    # Fields where they do not belong
    ("field.forbidden", _E, "5.7 to 5.22", "The field is not used in records of this type."),
    (
        "profile.forbidden",
        _D,
        "5.16 (1.0), 5.18 (1.1)",
        "WARC-Profile is undefined for any type but revisit.",
    ),
    # Values
    ("id.form", _E, "5.2", "A WARC-Record-ID is a URI with its scheme, in angle brackets."),
    (
        "id.reused",
        _E,
        "5.2",
        "A WARC-Record-ID is globally unique; another record, of other content, has the same.",
    ),
    ("id.repeated", _N, "5.2", "The same record, of the same content, stands in the file again."),
    ("length.form", _E, "5.3", "A Content-Length is digits."),
    (
        "date.form",
        _E,
        "5.4",
        "A WARC-Date is a UTC time: YYYY-MM-DDThh:mm:ssZ in 1.0, W3CDTF with at most nine decimals "
        "in 1.1.",
    ),
    ("type.unknown", _N, "5.5", "The type is none of the eight; readers skip such records."),
    ("content-type.form", _E, "5.6", "A Content-Type is type/subtype with parameters."),
    (
        "reference.form",
        _E,
        "5.7 to 5.21",
        "A field that names a record holds its URI, in angle brackets.",
    ),
    ("digest.form", _E, "5.8", "A digest is an algorithm's name, a colon and the value."),
    (
        "digest.padding",
        _N,
        "5.8",
        "A digest's value is a token; this one has base64's or base32's padding.",
    ),
    (
        "digest.unknown",
        _N,
        "5.8",
        "The digest is of an algorithm that is not known here; not checked.",
    ),
    (
        "digest.block",
        _E,
        "5.8",
        "WARC-Block-Digest is the value calculated on the full block; it is not.",
    ),
    (
        "digest.payload",
        _E,
        "5.9",
        "WARC-Payload-Digest is the value calculated on the payload; it is not.",
    ),
    (
        "digest.chunked",
        _D,
        "5.9",
        "The payload is the entity-body; the digest is of the message-body with its "
        "chunks, as many "
        "writers calculate it.",
    ),
    (
        "digest.unchecked",
        _N,
        "5.9",
        "The payload is not in this record (revisit, segment); its digest was not calculated.",
    ),
    ("ip.form", _E, "5.10", "A WARC-IP-Address is a dotted quad or an IPv6 address."),
    ("target.form", _E, "5.12 (1.0), 5.14 (1.1)", "A WARC-Target-URI is written as RFC 3986 says."),
    ("truncated.form", _E, "5.13 (1.0), 5.15 (1.1)", "WARC-Truncated names its reason by a token."),
    ("profile.form", _E, "5.16 (1.0), 5.18 (1.1)", "A WARC-Profile is a URI."),
    (
        "payload-type.form",
        _E,
        "5.17 (1.0), 5.19 (1.1)",
        "A WARC-Identified-Payload-Type is a media type.",
    ),
    ("segment.form", _E, "5.18 (1.0), 5.20 (1.1)", "A WARC-Segment-Number is digits, from 1."),
    ("segment.total-form", _E, "5.20 (1.0), 5.22 (1.1)", "A WARC-Segment-Total-Length is digits."),
    # Between fields and records
    ("warcinfo.type", _D, "6.2", "application/warc-fields is recommended for a warcinfo record."),
    (
        "response.type",
        _D,
        "6.3.2",
        "The Content-Type of an http response should be application/http; msgtype=response.",
    ),
    (
        "request.type",
        _D,
        "6.5.2",
        "The Content-Type of an http request should be application/http; msgtype=request.",
    ),
    (
        "response.ip",
        _D,
        "6.3.2",
        "An http response should record the WARC-IP-Address it came from.",
    ),
    ("request.ip", _D, "6.5.2", "An http request should record the WARC-IP-Address it went to."),
    ("dns.type", _E, "6.4.4", "A resource record of a dns: URI is of the content type text/dns."),
    (
        "revisit.truncated",
        _D,
        "6.7.2",
        "A revisit whose block leaves the payload out says WARC-Truncated: length.",
    ),
    ("concurrent.date", _D, "5.4", "The records of one capture event use the same WARC-Date."),
    (
        "response.short",
        _N,
        "6.3.2",
        "The HTTP message holds less than its own Content-Length says, and no "
        "WARC-Truncated tells why.",
    ),
    (
        "segment.first",
        _E,
        "5.18 (1.0), 5.20 (1.1)",
        "The first segment, which is no continuation, has the WARC-Segment-Number 1.",
    ),
    (
        "segment.number",
        _E,
        "5.18 (1.0), 5.20 (1.1)",
        "1 is the first segment's number; a continuation's is higher by 1 than the segment before.",
    ),
    (
        "segment.total",
        _E,
        "5.20 (1.0), 5.22 (1.1)",
        "WARC-Segment-Total-Length is the length of all segments' blocks together.",
    ),
    ("segment.open", _N, "7", "The series of segments is not whole in this file."),
    # Compression: Annex D, informative, and RFC 1952, which it refers to
    ("gzip.record", _D, "Annex D.2", "Each record should be compressed on its own; these are not."),
    (
        "gzip.damaged",
        _E,
        "Annex D.2",
        "A compressed WARC is a valid gzip file (RFC 1952 section 2.2); this member is not.",
    ),
    (
        "gzip.cut",
        _E,
        "Annex D.2",
        "A compressed WARC is a valid gzip file (RFC 1952 section 2.2); its last "
        "member is cut short.",
    ),
    (
        "gzip.stray",
        _E,
        "Annex D.2",
        "A compressed WARC is gzip members (RFC 1952 section 2.2); other bytes stand "
        "between or after.",
    ),
    ("limit", _N, "", "A limit of this check was reached; what lies beyond was not compared."),
)
_REASONS = {
    "concurrent.date": "'shall', but no byte of the evidence depends on it",
    "digest.chunked": "the digest still covers every byte of the message-body",
    "revisit.truncated": "'shall', but WARC-Profile already says that the payload is elsewhere",
}
_ARC = (
    (
        "arc.version",
        _E,
        "ARC 1.0, version block",
        "An ARC file begins with a version block (filedesc://) that names its own fields.",
    ),
    (
        "arc.header",
        _E,
        "ARC 1.0, URL record",
        "A URL record begins with URL, IP address, date, content type and length.",
    ),
    (
        "arc.short",
        _E,
        "ARC 1.0, URL record",
        "A URL record's length is that of its document; there is less.",
    ),
    ("arc.end", _E, "ARC 1.0, URL record", "A line end follows each document."),
    (
        "file.unknown",
        _E,
        "4",
        "The version (WARC/1.0, WARC/1.1) begins the file; this is something else.",
    ),
)

RULES: dict[str, Rule] = {
    name: Rule(
        name,
        severity,
        section if section.startswith("ARC") or not section else f"ISO 28500 {section}",
        sentence,
        _REASONS.get(name, ""),
    )
    for name, severity, section, sentence in (*_TABLE, *_ARC)
}
