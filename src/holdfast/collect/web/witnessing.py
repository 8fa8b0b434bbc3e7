"""The second witness of one capture: heard while the browser runs, questioned after it.

tap -> packets -> stop -> the child compares -> wire/ and a sealed copy with the keys
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.collect.web import parts, sealing
from holdfast.collect.web.second_witness import COMPARED, Testimony, check
from holdfast.collect.web.taking import take
from holdfast.collect.web.tap_packets import PacketTap
from holdfast.collect.web.tap_relay import RelayTap
from holdfast.webarchive import pcapng

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from holdfast.collect.web.guard import Guard
    from holdfast.collect.web.tap import Tap

SEALED = "secrets/traffic.pcapng.gz.age"
TRAFFIC = "wire/traffic.pcapng"
FORMAT = "holdfast-second-witness/1"
_KEYS = 64 << 20
"""Bytes of a key log; a session has some five hundred."""


def open_tap(out: Path, *, through_proxy: bool) -> tuple[Tap, str]:
    """Return the best witness that can be had here, and why it is not packets where it is not.

    Raises:
        OSError: the disk refused.
    """
    if through_proxy:
        return RelayTap(out), "packets to a proxy begin with what is said to the proxy"
    try:
        return PacketTap(out), ""
    except PermissionError:
        return RelayTap(out), "this account may not see packets (CAP_NET_RAW)"
    except OSError as error:
        if out.exists():
            raise
        return RelayTap(out), f"the kernel gives no packets: {error.strerror}"


class Witness:
    """Writes down what passes the relay's sockets, and says whether the browser's log agrees."""

    def __init__(self, work: Path, *, through_proxy: bool) -> None:
        """Begin to hear.

        Raises:
            OSError: the disk refused.
        """
        self._work = work
        self._file = work / "traffic.pcapng"
        self._tap, self._why = open_tap(self._file, through_proxy=through_proxy)
        self._counted: dict[str, int] = {}
        self._failed = ""

    def attend(self, guard: Guard) -> None:
        """Hear what this guard relays."""
        guard.tap = self._tap

    def stop(self) -> None:
        """Hear no more."""
        try:
            self._counted = self._tap.stop()
        except OSError as error:
            self._failed = f"packets could not be written: {error.strerror or error}"

    def testify(
        self, out: Path, guard: Path, keys: Path, owner: int, recipients: Sequence[str]
    ) -> Testimony:
        """Compare with what is stored in `out`, and put the packets there, sealed with their keys.

        `keys` is where the browser, of the account `owner`, wrote its key log.

        Raises:
            OSError: the disk refused.
        """
        log = self._work / "keys.log"
        missing = take(keys, owner, log)
        if missing:
            log.write_bytes(b"")
        scratch = self._work / "comparison"
        answer, trouble = check(out, self._file, log, guard, scratch)
        gaps = [f"{count} {what}" for what, count in (
            ("packets lost by the kernel", self._counted.get("dropped", 0)),
            ("connections beyond what can be watched", self._counted.get("unwatched", 0)),
            *((f"connections: {what}", count) for what, count in answer.get("flaws", {}).items()),
        ) if count]  # fmt: skip
        if missing and gaps:
            gaps.append(f"the keys: {missing}")
        gaps += [one for one in (self._failed, trouble and f"not compared: {trouble}") if one]
        testimony = Testimony(
            tap=self._tap.kind,
            why=self._why,
            exchanges=_counts(answer.get("exchanges")),
            connections=_counts(answer.get("connections")),
            gaps=tuple(gaps),
            packets=self._counted.get("packets", 0),
            unprotected=tuple(map(str, answer.get("unprotected", ()))),
        )
        sealed = self._keep(out, scratch, log, recipients)
        told: dict[str, Any] = {
            **testimony.as_json(),
            "format": FORMAT,
            "packets": testimony.packets,
            "sealed": sealed,
            "unprotected": [*testimony.unprotected],
            "why": testimony.why,
        }
        parts.write_json(out / "wire" / "witness.json", told)
        return testimony

    def _keep(
        self, out: Path, scratch: Path, log: Path, recipients: Sequence[str]
    ) -> dict[str, Any]:
        """Put packets and comparison into the item; return what is told of the sealed copy."""
        (out / "wire").mkdir()
        compared = scratch / COMPARED
        if compared.exists():
            compared.rename(out / "wire" / COMPARED)
        whole = self._work / "with-keys.pcapng"
        with self._file.open("rb") as plain, log.open("rb") as keys, whole.open("xb") as target:
            pcapng.with_keys(plain, keys.read(_KEYS), target)
        log.unlink()
        sealed = sealing.seal(whole, out / SEALED, list(recipients))
        whole.unlink()
        self._file.rename(out / TRAFFIC)
        return {
            "part": SEALED,
            "recipients": [*recipients],
            "sha256": sealed.sha256,
            "size": sealed.size,
        }


def _counts(found: object) -> dict[str, int]:
    return {str(k): int(v) for k, v in found.items()} if isinstance(found, dict) else {}
