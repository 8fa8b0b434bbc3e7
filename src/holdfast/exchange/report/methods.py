"""How records were obtained, and how each way can mislead: by what read them.

Techniques and weaknesses have the numbers that SOLVE-IT gives them (solveit-df.org, a catalogue of
digital-forensic techniques; MIT), so that a reader can look them up; the words are ours. A weakness
without a number is one that SOLVE-IT doesn't name. What has no method here is said to have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.catalogue import N_
from holdfast.exchange.report.content import Method, Weakness

if TYPE_CHECKING:
    from holdfast.exchange.report.words import Words

_W = {
    "DFW-1257": N_("What no parser extracts can't be found: see the files that nothing read."),
    "DFW-1129": N_("A file whose type is taken for another's is read wrongly, or not at all."),
    "DFW-1131": N_("A file that is valid in two formats is read as one of them."),
    "DFW-1017": N_("What the person who collected didn't choose, or couldn't reach, isn't there."),
    "DFW-1023": N_("Collecting from a system that runs can change what is on it."),
    "DFW-1185": N_("A damaged or unusual container may hold files that are not enumerated."),
    "DFW-1166": N_("Only what a database holds now is read: rows deleted before are not."),
    "DFW-1168": N_("A column's meaning changes with the program's version and may be misread."),
    "DFW-1170": N_("What stands in a write-ahead log is missing where that file wasn't collected."),
    "DFW-1113": N_("An address in a browser's data doesn't prove that a person visited the page."),
    "DFW-1243": N_("A browser drops history after a time: its absence proves nothing."),
    "DFW-1244": N_("A person, or a program, may have cleared the history before."),
    "DFW-1108": N_("Private browsing leaves nothing here."),
    "DFW-1245": N_("A visit's time may be that of a sync or a redirect, not of a person's act."),
    "DFW-1251": N_("A browser can have further profiles that were not collected."),
    "DFW-1248": N_("A download that was saved elsewhere, or moved, isn't shown by this list."),
    "DFW-1228": N_("A line that is written in an unforeseen way is missed; the ledger counts it."),
    "DFW-1230": N_("Logs are rotated and overwritten: what isn't there may have been."),
    "DFW-1231": N_("An event that isn't logged may never have been set to be logged."),
    "DFW-1233": N_("A log's time can be coarser than it looks, or be that of writing."),
    "DFW-1234": N_("A log without a zone is read in the zone that somebody stated for it."),
    "DFW-1236": N_("What an event's number means depends on the system's version."),
    "DFW-1148": N_("The clock that wrote a time may have been wrong, or set so on purpose."),
    "DFW-1053": N_("A pattern finds what looks alike: a hit has to be read in its place."),
    "DFW-1059": N_("So many hits may be found that not every one was looked at."),
    "DFW-1196": N_("Text inside pictures and recordings isn't searched."),
    "DFW-1054": N_("Text in an encoding that isn't recognised isn't found."),
    "DFW-1132": N_("A file that differs in one bit has another digest and isn't found."),
    "mail": N_("A mail's headers, sender and dates included, can be forged by its sender."),
    "mail.partial": N_("Mails that were deleted on the server, or never fetched, are not there."),
    "document": N_("A document's metadata is what a program wrote into it, and can be changed."),
    "document.shown": N_("The text as stored can differ from what a program shows of it."),
    "web": N_("A site can show different visitors, places and times something different."),
    "web.dynamic": N_("What a page loads after an action is there only if that was done."),
    "network": N_("What is encrypted is seen only by its lengths, times and addresses."),
    "network.gaps": N_("Packets that weren't captured leave conversations in part."),
    "network.address": N_("An address names a connection, not a person."),
    "rules": N_("A rule can hit what is harmless, and miss what was made to avoid it."),
    "similar": N_("Likeness is a measure with a threshold: things alike by chance are found too."),
    "certificate": N_("A certificate says who its issuer believed its holder to be."),
    "picture": N_("A picture's place and time are what a program wrote, and can be changed."),
    "stored": N_("A stored login shows that it was saved, not that it was used or by whom."),
}  # fmt: skip
"""Weaknesses, by SOLVE-IT's number or a name of ours."""

_TIME, _SQLITE = ("DFW-1148",), ("DFW-1166", "DFW-1168", "DFW-1170")
_BROWSER = ("DFW-1113", "DFW-1251")
_LOG = ("DFW-1228", "DFW-1230", "DFW-1231", "DFW-1233", "DFW-1234")
_DOCUMENT = ("document", "document.shown")


@dataclass(frozen=True)
class _Way:
    does: str
    techniques: tuple[str, ...]
    weaknesses: tuple[str, ...]


_COLLECTED = _Way(
    N_("copies files as they are and hashes them"),
    ("DFT-1004", "DFT-1186"),
    ("DFW-1017", "DFW-1023"),
)
_HISTORY = _Way(
    N_("reads a browser's history"),
    ("DFT-1137", "DFT-1071"),
    (*_BROWSER, "DFW-1243", "DFW-1244", "DFW-1108", "DFW-1245", *_SQLITE, *_TIME),
)
_DOWNLOADS = _Way(
    N_("reads a browser's downloads"), ("DFT-1142", "DFT-1071"), ("DFW-1248", *_BROWSER, *_SQLITE)
)
_COOKIES = _Way(
    N_("reads a browser's cookies"), ("DFT-1147", "DFT-1071"), (*_BROWSER, *_SQLITE, *_TIME)
)
_LOGINS = _Way(
    N_("reads which logins a browser stored"), ("DFT-1140", "DFT-1084"), ("stored", *_BROWSER)
)
_SERVER = _Way(
    N_("reads a web server's log, line by line"), ("DFT-1076",), (*_LOG, "network.address", *_TIME)
)
_SYSTEM = _Way(N_("reads a system's log"), ("DFT-1066",), (*_LOG, *_TIME))
_OFFICE = _Way(N_("reads a document's text and metadata"), ("DFT-1082", "DFT-1187"), _DOCUMENT)
_ALIKE = _Way(N_("finds things that are nearly alike"), ("DFT-1051",), ("similar",))
_PATTERNS = _Way(
    N_("finds identifiers and indicators in text"),
    ("DFT-1053", "DFT-1151"),
    ("DFW-1053", "DFW-1059", "DFW-1196", "DFW-1054"),
)

_WAYS = {
    "archive": _Way(N_("lists what a container holds"), ("DFT-1045",), ("DFW-1185",)),
    "certificate": _Way(N_("reads certificates"), ("DFT-1053",), ("certificate",)),
    "chromium_cookies": _COOKIES,
    "chromium_history": _HISTORY,
    "chromium_logins": _LOGINS,
    "digests": _Way(N_("computes digests of files"), ("DFT-1186", "DFT-1050"), ("DFW-1132",)),
    "evtx": _Way(
        N_("reads Windows event logs"),
        ("DFT-1066",),
        ("DFW-1230", "DFW-1231", "DFW-1236", *_TIME),
    ),
    "files": _COLLECTED,
    "firefox_cookies": _COOKIES,
    "firefox_downloads": _DOWNLOADS,
    "firefox_history": _HISTORY,
    "firefox_logins": _LOGINS,
    "html_page": _Way(N_("reads a saved page"), ("DFT-1082",), ("document.shown", "web.dynamic")),
    "identifiers": _PATTERNS,
    "iis": _SERVER,
    "indicators": _PATTERNS,
    "journal_export": _SYSTEM,
    "mail": _Way(
        N_("reads mails and their attachments"),
        ("DFT-1070",),
        ("mail", "mail.partial", *_TIME),
    ),
    "odf": _OFFICE,
    "ooxml": _OFFICE,
    "own_patterns": _PATTERNS,
    "pcap": _Way(
        N_("reads recorded network traffic"),
        ("DFT-1017", "DFT-1053"),
        ("network", "network.gaps", "network.address", *_TIME),
    ),
    "pdf": _OFFICE,
    "picture": _Way(
        N_("reads what cameras write into pictures"), ("DFT-1100",), ("picture", *_TIME)
    ),
    "plain_text": _Way(N_("reads plain text"), ("DFT-1082", "DFT-1121"), ("DFW-1054", "DFW-1129")),
    "rtf": _OFFICE,
    "safari_cookies": _COOKIES,
    "safari_history": _HISTORY,
    "safari_plist": _HISTORY,
    "sigma": _Way(N_("holds events against Sigma rules"), ("DFT-1128", "DFT-1086"), ("rules",)),
    "similar_pictures": _ALIKE,
    "similar_texts": _ALIKE,
    "sqlite_tables": _Way(N_("reads the tables of any SQLite database"), ("DFT-1071",), _SQLITE),
    "syslog": _SYSTEM,
    "web_access": _SERVER,
    "web_archive": _Way(
        N_("reads a captured web page"), ("DFT-1104", "DFT-1170"), ("web", "web.dynamic")
    ),
    "web_error": _SERVER,
    "yara": _Way(N_("holds files against YARA rules"), ("DFT-1128",), ("rules",)),
}
"""By the name of the parser, finder or collector."""
_EVERY = ("DFW-1257", "DFW-1129", "DFW-1131")
"""Weaknesses of every reading."""


def method(module: str, version: str, words: Words) -> Method:
    """Return how `module` obtains records, in the report's language."""
    way = _WAYS.get(module)
    ids = dict.fromkeys((*(way.weaknesses if way else ()), *_EVERY))
    return Method(
        module=module,
        version=version,
        does=words.say(way.does) if way else "",
        techniques=way.techniques if way else (),
        weaknesses=tuple(
            Weakness(one if one.startswith("DFW-") else "", words.say(_W[one])) for one in ids
        ),
    )


def named() -> dict[str, tuple[str, ...]]:
    """Return SOLVE-IT's numbers that stand here, by module."""
    return {
        name: (*way.techniques, *(one for one in way.weaknesses if one.startswith("DFW-")))
        for name, way in _WAYS.items()
    }
