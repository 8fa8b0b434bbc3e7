"""ASN.1 DER, element by element, so that the bytes of a part stay as they came.

What a time authority signed is hashed again years later (RFC 4998), so a part of it must never be
decoded and encoded anew: an authority's DER is not always DER. `pyasn1` reads the elements.
"""

from __future__ import annotations

from typing import Any

from pyasn1.codec.der import decoder, encoder
from pyasn1.error import PyAsn1Error
from pyasn1.type import tag as tags
from pyasn1.type import univ

SEQUENCE, SET = 0x30, 0x31
"""Identifier octets (X.690 section 8.1.2), constructed."""


def context(number: int) -> int:
    """Return the identifier octet of the constructed, context-specific tag [`number`]."""
    return 0xA0 | number


def parts(element: bytes, identifier: int = SEQUENCE) -> list[bytes]:
    """Return the elements inside `element`, each with its header, as they lie there.

    Raises:
        ValueError: not one DER element of that kind.
    """
    if element[:1] != bytes([identifier]):
        raise ValueError(f"an ASN.1 element {identifier:#04x} was due")
    # A list of anything, under whatever tag the element has.
    spec = univ.SequenceOf(componentType=univ.Any())
    if identifier != SEQUENCE:
        spec = spec.subtype(implicitTag=_tag(identifier))
    found, rest = _decoded(element, spec)
    if rest:
        raise ValueError("more bytes follow an ASN.1 element than belong to it")
    return [bytes(one) for one in found]


def joined(elements: list[bytes], identifier: int = SEQUENCE) -> bytes:
    """Return an element that holds `elements`, in this order."""
    spec = univ.SequenceOf(componentType=univ.Any())
    if identifier != SEQUENCE:
        spec = spec.subtype(implicitTag=_tag(identifier))
    spec.extend(univ.Any(one) for one in elements)
    return bytes(encoder.encode(spec))


def decode(element: bytes, spec: Any) -> Any:
    """Return `element` as the pyasn1 type `spec` has it.

    Raises:
        ValueError: it is not one, or more bytes follow.
    """
    found, rest = _decoded(element, spec)
    if rest:
        raise ValueError("more bytes follow an ASN.1 element than belong to it")
    return found


def encode(value: Any) -> bytes:
    """Return a pyasn1 value in DER."""
    return bytes(encoder.encode(value))


def _decoded(element: bytes, spec: Any) -> tuple[Any, bytes]:
    try:
        found, rest = decoder.decode(element, asn1Spec=spec)
    except (PyAsn1Error, RecursionError, IndexError, TypeError) as error:
        raise ValueError(f"malformed ASN.1: {type(error).__name__}") from None
    return found, bytes(rest)


def _tag(identifier: int) -> Any:
    classes = {0x00: tags.tagClassUniversal, 0x80: tags.tagClassContext}
    return tags.Tag(classes[identifier & 0xC0], tags.tagFormatConstructed, identifier & 0x1F)
