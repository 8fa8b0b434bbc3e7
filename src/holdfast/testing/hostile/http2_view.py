"""Check the HTTP/1.1 view of an HTTP/2 message against the fields that were sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.testing.hostile.wire import Fields, Message


def split(block: bytes) -> tuple[bytes, bytes]:
    """Return head and body."""
    head, _, body = block.partition(b"\r\n\r\n")
    return head, body


def differs(head: bytes, truth: Message, pseudo: list[list[str]] | None) -> str:
    """Return how a view's head differs from a message's fields, or nothing.

    `pseudo` is what the capture tells of a request's pseudo-header fields; it is needed there, for
    HTTP/1.1 has no place for their order, nor for `:scheme`.
    """
    sent = {name: value for name, value in truth.fields if name.startswith(b":")}
    plain = [(name, value) for name, value in truth.fields if not name.startswith(b":")]
    start, *lines = head.split(b"\r\n")
    fields: Fields = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
    if b":method" in sent:
        expected = b"%s %s HTTP/1.1" % (sent[b":method"], sent[b":path"])
        told = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pseudo or []]
        if told != list(sent.items()):
            return f"pseudo-header fields {told} where {list(sent.items())} were sent"
        if not any(name == b"host" for name, _ in plain):
            plain.insert(0, (b"host", sent[b":authority"]))
    else:
        expected = b"HTTP/1.1 %s " % sent[b":status"]
    if start != expected:
        return f"begins {start!r} where {expected!r} was meant"
    for number, (one, other) in enumerate(zip(fields, plain, strict=False)):
        if one != other:
            return f"header field {number + 1} is {one!r} where {other!r} was sent"
    if len(fields) != len(plain):
        return f"{len(fields)} header fields where {len(plain)} were sent"
    return ""
