"""People and devices in a case: what they can be, and to whom their details may be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection

CLASSES = ("person", "organisation", "account", "address", "host", "wallet", "device")
"""What an entity can be."""
SUSPECT, VICTIM, WITNESS, OTHER = "suspect", "victim", "witness", "other"
ROLES = (SUSPECT, VICTIM, WITNESS, OTHER)
"""Who a person in the data is in the case; of a thing: whose it is."""
RELEASED, HELD = "released", "held"
"""Whether details may be shown beyond those who work on the case."""
IDENTIFIERS = (
    "email", "phone", "url", "domain", "ipv4", "ipv6", "iban", "bic", "card", "btc", "eth", "xmr",
    "trx", "telegram", "discord", "whatsapp", "onion_v3", "mac", "imei", "imsi", "alias",
    "username", "serial", "document", "address", "born", "other",
)  # fmt: skip
"""Kinds of identifiers: where a finder has a kind for it, by the finder's name."""
PRIVILEGES = ("lawyer", "doctor", "clergy", "journalist", "parliament", "family", "other")
"""Why communication with somebody may be privileged."""
DETAILS = ("name", "identifiers", "remarks", "cites")
"""What is withheld of an entity."""


def withheld(role: str, state: str) -> bool:
    """Say whether an entity's details stay with those who work on the case.

    They are of no concern to the defence or to the reader of an export until a lead or supervisor
    says so: of a victim, a witness, and anybody who is not the one that the case is against.
    """
    return role != SUSPECT and state != RELEASED


def sees_all(roles: Collection[str]) -> bool:
    """Say whether somebody with these roles in the case is shown what is withheld."""
    return bool(set(roles) - {"defence", "auditor"})


def check_identifier(text: str) -> tuple[str, str]:
    """Return kind and value of `email:anna@example.org`.

    Raises:
        InputError: no such kind, or no value.
    """
    kind, _, value = text.partition(":")
    if kind not in IDENTIFIERS or not value.strip():
        raise InputError(
            f"{text!r} is no identifier", f"give KIND:VALUE; kinds are {', '.join(IDENTIFIERS)}"
        )
    return kind, value.strip()
