"""The whole chain: hostile site, browser, guard, decoder, WACZ; held to the site's own record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.testing.hostile import situation
from holdfast.testing.hostile.compare import compare
from holdfast.testing.hostile.stored import Stored
from holdfast.testing.hostile.verdict import Verdict

if TYPE_CHECKING:
    from tests.testing.hostile.conftest import Chain

INEXACT = {
    # Chromium reads no further than 256 KiB of a head.
    *("monster-header",),
    # The page left while the site was still talking, the browser where a WebSocket was refused.
    *("events", "given-up", "websocket-refused"),
    # There was no answer, which the ledger says.
    *("no-answer",),
    # Refused by the browser before anything was sent.
    *("mixed", "wrong-name", "expired", "self-signed", "untrusted", "preflight"),
    # Answered from the cache, or looked for there in vain.
    *("not-modified", "sub-resources"),
}
"""Situations of which not every message can be exact: each must be explained, and is."""


def test_every_message_is_exact_or_explained(chain: Chain) -> None:
    found = compare(chain.wire, Stored.read(chain.wacz))

    assert found.count(Verdict.exact) > 500


def test_all_situations_happened_in_one_load(chain: Chain) -> None:
    seen = {one.url.partition("?")[0].split("/")[3] for one in chain.wire.exchanges}
    ordinary = {name for name, one in situation.SITUATIONS.items() if one.kind == "ordinary"}
    # Boxes send nothing; the bad certificates' hosts are left before anything is sent, and plain
    # HTTP is refused by an encrypted page.
    silent = {"alert", "mixed", "wrong-name", "expired", "self-signed", "untrusted"}
    assert ordinary - seen == silent


def test_what_is_not_exact_is_what_no_capture_could_have(chain: Chain) -> None:
    found = compare(chain.wire, Stored.read(chain.wacz))
    sites = [row for row in found.rows if ".test" in row.url]

    assert {row.situation for row in sites if row.verdict is not Verdict.exact} <= INEXACT
