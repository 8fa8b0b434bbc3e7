"""Why a main page that something led to is not loaded: plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """A reason, in each form in which it is told."""

    event: str
    """As the events of `capture.json` have it."""
    error: str
    """The capture's error, where it was the page that was asked for."""
    why: str
    """In the loss ledger."""


OUT_OF_SCOPE = Refusal("out-of-scope", "out of scope", "outside the case's scope")
ELSEWHERE = Refusal("elsewhere", "leads elsewhere", "only who was named is asked")
UNAPPROVED = Refusal(
    "unapproved",
    "a person's page that nobody has approved",
    "a person's page, which needs a supervisor's approval",
)
