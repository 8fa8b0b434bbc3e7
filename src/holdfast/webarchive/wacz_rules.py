"""The sentences of the WACZ specifications that a file can break.

WACZ 1.1.1 (1.0.0's older manifest is read too), CDXJ 0.1.0, and WACZ Signing and Verification
0.1.0. MUST is an error, SHOULD a deviation, as in `rules`.
"""

from __future__ import annotations

from holdfast.webarchive.rules import Rule, Severity

_E, _D, _N = Severity.ERROR, Severity.DEVIATION, Severity.NOTE
_W, _S, _C = "WACZ 1.1.1", "WACZ Signing 0.1.0", "CDXJ 0.1.0"
_TABLE: tuple[tuple[str, Severity, str, str], ...] = (
    (
        "zip.damaged",
        _E,
        f"{_W}, Zip Format",
        "The whole directory is stored in a standard ZIP file.",
    ),
    (
        "zip.name",
        _E,
        f"{_W}, Zip Format",
        "A part's name is a relative path; this one leads out, is absolute or can't be a path.",
    ),
    (
        "zip.duplicate",
        _E,
        f"{_W}, Zip Format",
        "A part stands once; readers differ on which of two they take.",
    ),
    ("zip.encrypted", _E, f"{_W}, Zip Format", "A part is encrypted: nobody can check it."),
    ("zip.method", _E, f"{_W}, Zip Compression", "Parts are stored or deflated, nothing else."),
    (
        "zip.disagrees",
        _E,
        f"{_W}, Zip Format",
        "A part's local header and the central directory name the same thing; readers "
        "differ on which "
        "they believe.",
    ),
    (
        "zip.again",
        _E,
        f"{_W}, Zip Compression",
        "Files that are compressed already are not compressed again.",
    ),
    (
        "zip.store",
        _D,
        f"{_W}, Zip Compression",
        "Files in archive/ should be stored, not deflated.",
    ),
    ("zip.hidden", _E, f"{_W}, Zip Format", "Bytes in the ZIP belong to none of its parts."),
    ("zip.bomb", _E, "", "A part unfolds to more than this check reads."),
    ("layout.archive", _E, f"{_W}, archive", "archive/ holds one or more WARC files."),
    ("layout.archive-name", _D, f"{_W}, archive", "A gzipped WARC has the extension .warc.gz."),
    ("layout.indexes", _E, f"{_W}, indexes", "indexes/ holds one or more indexes."),
    ("layout.pages", _E, f"{_W}, pages.jsonl", "pages/pages.jsonl is there."),
    (
        "layout.strange",
        _D,
        f"{_W}, Other files",
        "Files of one's own are not added to archive/, indexes/ and pages/.",
    ),
    ("manifest.missing", _E, f"{_W}, datapackage.json", "datapackage.json is there, at the root."),
    (
        "manifest.form",
        _E,
        f"{_W}, datapackage.json",
        "datapackage.json is a data package: profile, resources.",
    ),
    ("manifest.version", _E, f"{_W}, datapackage.json", "datapackage.json names its wacz_version."),
    (
        "manifest.version-unknown",
        _N,
        f"{_W}, datapackage.json",
        "wacz_version is none that is known here.",
    ),
    (
        "manifest.unlisted",
        _E,
        f"{_W}, Other files",
        "Every file is listed in datapackage.json's resources.",
    ),
    ("manifest.absent", _E, f"{_W}, datapackage.json", "Every listed resource is in the file."),
    ("manifest.hash", _E, f"{_W}, datapackage.json", "A resource has the hash that is listed."),
    (
        "manifest.hash-form",
        _E,
        f"{_W}, datapackage.json",
        "A resource is listed with a hash that can be checked.",
    ),
    (
        "manifest.bytes",
        _E,
        f"{_W}, datapackage.json",
        "A resource has the number of bytes that is listed.",
    ),
    ("pages.form", _E, f"{_W}, pages.jsonl", "Each line of a page list is a JSON object."),
    (
        "pages.header",
        _D,
        f"{_W}, pages.jsonl",
        "The first line should name the format json-pages-1.0.",
    ),
    ("pages.fields", _E, f"{_W}, pages.jsonl", "Each page has url and ts."),
    ("pages.unindexed", _N, f"{_W}, pages.jsonl", "No index has a record of this page."),
    ("index.form", _E, f"{_C}", "An index line is a key, a timestamp and a JSON object."),
    ("index.order", _E, f"{_C}", "The lines of an index are sorted."),
    ("index.dangling", _E, f"{_C}", "offset and filename lead to a record in archive/."),
    ("index.url", _E, f"{_C}", "The record that an index line leads to is that of its URL."),
    ("index.length", _E, f"{_C}", "length is the size of the record in its file."),
    (
        "index.digest",
        _E,
        f"{_C}",
        "recordDigest, and a block's digest, are those of the bytes they name.",
    ),
    ("index.idx", _E, f"{_C}", "Each line of a .idx leads to a block of the compressed index."),
    (
        "digest.form",
        _E,
        f"{_W}, datapackage-digest.json",
        "datapackage-digest.json has path (datapackage.json) and hash.",
    ),
    ("digest.hash", _E, f"{_W}, datapackage-digest.json", "hash is that of datapackage.json."),
    (
        "digest.missing",
        _D,
        f"{_W}, datapackage-digest.json",
        "datapackage-digest.json should be there.",
    ),
    (
        "signature.missing",
        _N,
        _S,
        "The file is unsigned: whoever changed it could have changed every hash.",
    ),
    ("signature.required", _E, _S, "A signature was asked for, and there is none."),
    (
        "signature.stripped",
        _E,
        _S,
        "The file tells of a signature of its own, and there is none: it was taken away.",
    ),
    ("signature.form", _E, f"{_S}, Signature Data Format", "signedData has one of the two forms."),
    (
        "signature.extra",
        _E,
        f"{_S}, Signature Data Format",
        "signedData has no property beside those listed.",
    ),
    (
        "signature.hash",
        _E,
        f"{_S}, Verification 2",
        "The hash that was signed is that of datapackage.json.",
    ),
    ("signature.value", _E, f"{_S}, Verification 4", "signature fits the hash and the key."),
    (
        "signature.anonymous",
        _N,
        f"{_S}, Anonymous Signature Validation",
        "The key came with the file: who holds it must be known from elsewhere.",
    ),
    ("signature.domain", _E, f"{_S}, Verification 5", "The certificate is for the domain named."),
    (
        "signature.chain",
        _E,
        f"{_S}, Verification 8",
        "The certificate's chain led, at the time of the signature, to a root that is trusted.",
    ),
    (
        "signature.roots",
        _E,
        f"{_S}, Verification 8",
        "No trusted roots are at hand to judge the chain by.",
    ),
    (
        "signature.time",
        _E,
        f"{_S}, Verification 6",
        "timeSignature is an RFC 3161 stamp of the signature.",
    ),
    (
        "signature.created",
        _E,
        f"{_S}, Verification 7",
        "created is within ten minutes of the stamp.",
    ),
    (
        "signature.manifest-created",
        _D,
        _S,
        "The manifest and the signature name the same time of creation.",
    ),
    (
        "signature.tsa",
        _N,
        f"{_S}, Verification 9",
        "The stamp's authority is known only from the file itself; name its root to "
        "have it judged.",
    ),
    (
        "signature.cross",
        _E,
        f"{_S}, Verification 10",
        "crossSignedCert has the same key as domainCert.",
    ),
    (
        "warc.invalid",
        _E,
        f"{_W}, archive",
        "archive/ holds WARC files; one does not conform (see it below).",
    ),
    ("limit", _N, "", "A limit of this check was reached; what lies beyond was not compared."),
)

_REASONS = {
    "layout.archive-name": "MUST, but a name misleads no reader: gzip is known by its first bytes",
}
WACZ_RULES: dict[str, Rule] = {row[0]: Rule(*row, _REASONS.get(row[0], "")) for row in _TABLE}
