"""Hold a capture to what the site recorded on its own sockets.

    python -m holdfast.testing.hostile.compare FOLDER/wire CAPTURE [--all]

For every message that went over the wire, and for every one that the capture says did, it says:

    exact      the same, byte for byte (HTTP/2: frames, ordered header fields and DATA)
    explained  not whole, and a line of the loss ledger says why; what there is, is right
    MISSING    went over the wire; the capture neither has it nor says why not
    WRONG      differs from what went over the wire, or never went over it
"""

from __future__ import annotations

import hashlib
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag

from holdfast.core.errors import InputError
from holdfast.testing.hostile import certificates, http2_view
from holdfast.testing.hostile.stored import Stored
from holdfast.testing.hostile.verdict import Comparison, Row, Verdict
from holdfast.testing.hostile.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from holdfast.testing.hostile.wire import Connection, Exchange

__all__ = ["Comparison", "Row", "Verdict", "compare", "main"]


def compare(wire: Wire, stored: Stored) -> Comparison:
    """Compare what the site saw with what a capture holds, in both directions."""
    return Comparison(tuple(_Judge(wire, stored).rows()))


@dataclass
class _Pair:
    seen: Exchange
    kept: dict[str, Any] | None


@dataclass
class _Judge:
    wire: Wire
    stored: Stored
    used: set[str] = field(default_factory=set)
    """Records that some exchange refers to."""

    def rows(self) -> Iterable[Row]:
        pairs, left = _pair(self.wire, self.stored)
        for pair in pairs:
            if pair.kept is None:
                yield from self._unseen(pair.seen)
            elif pair.seen.stream is None:
                yield from self._http1(pair.seen, pair.kept)
            else:
                yield from self._http2(pair.seen, pair.kept)
        for kept in left:
            yield self._invented(kept)
        yield from self._connections(pairs)
        yield from self._mistrusted()
        yield from self._orphans()

    # --- what the site saw ------------------------------------------------------------------

    def _unseen(self, seen: Exchange) -> Iterable[Row]:
        """Yield an exchange that the capture has not: a capture that broke off may say so."""
        broken = [
            one
            for one in self.stored.losses.values()
            if one["exchange"] is None and one["kind"] in {"crash", "timeout"}
        ]
        verdict = Verdict.explained if broken else Verdict.MISSING
        why = _words(broken[0]) if broken else "the capture has no such exchange"
        for what in ("request", "response"):
            yield Row(verdict, what, seen.method, seen.url, why)

    def _http1(self, seen: Exchange, kept: dict[str, Any]) -> Iterable[Row]:
        connection = self.wire.of(seen)
        yield self._message(seen, kept, "request", self.wire.request_bytes(seen), kept["request"])
        interim = [bytes(connection.sent[one.start : one.end]) for one in seen.interim]
        yield from self._interim(seen, kept, interim)
        yield self._message(
            seen, kept, "response", self.wire.response_bytes(seen), kept["response"]
        )
        if seen.websocket:
            tunnel = kept.get("tunnel") or {}
            came = bytes(connection.received[seen.request.end :])
            went = bytes(connection.sent[seen.response.end :])
            yield self._message(seen, kept, "tunnel sent", came, tunnel.get("sent"))
            yield self._message(seen, kept, "tunnel received", went, tunnel.get("received"))

    def _interim(self, seen: Exchange, kept: dict[str, Any], sent: list[bytes]) -> Iterable[Row]:
        lines = kept["interim"]
        for number in range(max(len(sent), len(lines))):
            what = f"interim {number + 1}"
            if number >= len(sent):
                self._block(lines[number])
                yield Row(Verdict.WRONG, what, seen.method, seen.url, "the site sent no such one")
            else:
                line = lines[number] if number < len(lines) else None
                yield self._message(seen, kept, what, sent[number], line)

    def _message(
        self,
        seen: Exchange,
        kept: dict[str, Any],
        what: str,
        truth: bytes,
        line: dict[str, Any] | None,
    ) -> Row:
        """Judge bytes."""
        block, fault = self._block(line)
        if fault:
            return Row(Verdict.WRONG, what, seen.method, seen.url, fault)
        verdict, detail = self._judge(truth, block, self._losses(kept))
        if verdict is Verdict.explained and line is not None and line.get("whole") is True:
            verdict, detail = Verdict.WRONG, f"called whole, and ends at byte {len(block or b'')}"
        return Row(verdict, what, seen.method, seen.url, detail)

    def _judge(
        self, truth: bytes, block: bytes | None, losses: Sequence[dict[str, Any]]
    ) -> tuple[Verdict, str]:
        if block == truth and (truth or losses):
            return Verdict.exact, ""
        rest = block or b""
        if not truth.startswith(rest):
            return Verdict.WRONG, f"differs at byte {_difference(truth, rest)}"
        if losses:
            return Verdict.explained, f"{len(rest)} of {len(truth)} bytes: {_words(losses[0])}"
        if block is None:
            return Verdict.MISSING, "not stored, and nothing says why"
        return Verdict.WRONG, f"ends at byte {len(rest)} of {len(truth)}, and nothing says why"

    # --- HTTP/2 -----------------------------------------------------------------------------

    def _http2(self, seen: Exchange, kept: dict[str, Any]) -> Iterable[Row]:
        yield self._view(seen, kept, "request", seen.request, kept["request"])
        lines = kept["interim"]
        for number in range(max(len(seen.interim), len(lines))):
            what = f"interim {number + 1}"
            line = lines[number] if number < len(lines) else None
            if number < len(seen.interim):
                yield self._view(seen, kept, what, seen.interim[number], line)
            else:
                self._block(line)
                yield Row(Verdict.WRONG, what, seen.method, seen.url, "the site sent no such one")
        yield self._view(seen, kept, "response", seen.response, kept["response"])

    def _view(self, seen: Exchange, kept: dict[str, Any], what: str, truth: Any, line: Any) -> Row:
        """Judge the HTTP/1.1 view of a message: its fields in their order, DATA and trailers."""
        block, fault = self._block(line)
        losses = self._losses(kept)
        if fault:
            return Row(Verdict.WRONG, what, seen.method, seen.url, fault)
        if block is None:
            verdict = Verdict.explained if losses else Verdict.MISSING
            why = _words(losses[0]) if losses else "not stored, and nothing says why"
            return Row(verdict, what, seen.method, seen.url, why)
        record = self.stored.records[str(line["record"])]
        if record.field("holdfast-synthesised") is None:
            return Row(Verdict.WRONG, what, seen.method, seen.url, "not labelled as synthesised")
        pseudo = kept.get("pseudo") if what == "request" else None
        head, body = http2_view.split(block)
        fault = http2_view.differs(head, truth, pseudo)
        if fault:
            return Row(Verdict.WRONG, what, seen.method, seen.url, fault)
        verdict, detail = self._judge(b"." + truth.body, b"." + body, losses)
        if verdict is Verdict.explained and line.get("whole") is True:
            verdict, detail = Verdict.WRONG, f"called whole, and its DATA ends at {len(body)}"
        told = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in line.get("trailers", [])]
        if verdict is Verdict.exact and told != truth.trailers:
            verdict, detail = Verdict.WRONG, f"trailers {told} where {truth.trailers} were sent"
        return Row(verdict, what, seen.method, seen.url, detail)

    # --- what the capture says ----------------------------------------------------------------

    def _invented(self, kept: dict[str, Any]) -> Row:
        """Judge an exchange that the site did not see."""
        losses = self._losses(kept)
        stored = [name for name in ("request", "response") if kept[name] is not None]
        for name in stored:
            self._block(kept[name])
        for line in kept["interim"]:
            self._block(line)
        what = "+".join(stored) or "exchange"
        if kept["exact"]:
            detail = "called exact, and the site never saw it"
        elif losses:
            return Row(Verdict.explained, what, kept["method"], kept["url"], _words(losses[0]))
        else:
            detail = "the site never saw it, and nothing says why"
        return Row(Verdict.WRONG, what, kept["method"], kept["url"], detail)

    def _connections(self, pairs: list[_Pair]) -> Iterable[Row]:
        """Judge who was at the other end, and the frames of HTTP/2."""
        known: dict[tuple[int, Any], str] = {}
        for pair in pairs:
            if pair.kept is not None:
                known.setdefault((pair.seen.connection, pair.kept["connection"]), pair.seen.url)
        for (number, kept), url in known.items():
            seen = self.wire.connections[number - 1]
            line = self.stored.connections.get(kept)
            if line is None:
                yield Row(Verdict.MISSING, "connection", "", url, f"no line for connection {kept}")
                continue
            fault = _other_end(seen, line)
            yield Row(Verdict.WRONG if fault else Verdict.exact, "connection", "", url, fault)
            if seen.protocol == "h2":
                yield from self._frames(seen, line, url)

    def _frames(self, seen: Connection, line: dict[str, Any], url: str) -> Iterable[Row]:
        losses = [self.stored.losses[one] for one in line.get("loss", [])]
        kept = self.stored.frames.get(line["connection"])
        for number, (what, truth) in enumerate((("sent", seen.received), ("received", seen.sent))):
            block = kept[number] if kept is not None else None
            verdict, detail = self._judge(bytes(truth), block, losses)
            yield Row(verdict, f"frames {what}", "", url, detail)

    def _mistrusted(self) -> Iterable[Row]:
        """Judge what is told of connections that a browser gave up for their certificate."""
        for host in certificates.BAD:
            shown = {one.certificate for one in self.wire.connections if one.server_name == host}
            if not shown:
                continue
            told = [
                line
                for line in self.stored.connections.values()
                if line["certificates"] and line["certificates"][0]["sha256"] in shown
            ]
            explained = [
                loss
                for line in told
                for loss in line["loss"]
                if self.stored.losses[loss]["kind"] == "certificate"
            ]
            url = f"https://{host}"
            if not told:
                yield Row(
                    Verdict.MISSING, "certificate", "", url, "none of its connections is told"
                )
            elif not explained:
                yield Row(Verdict.MISSING, "certificate", "", url, "its error is not in the ledger")
            else:
                yield Row(Verdict.exact, "certificate", "", url)

    def _orphans(self) -> Iterable[Row]:
        """Yield messages in the WARC of which no exchange tells."""
        for identity, record in self.stored.records.items():
            if record.kind in {"request", "response", "revisit"} and identity not in self.used:
                url = record.field("warc-target-uri") or identity
                yield Row(Verdict.WRONG, record.kind, "", url, f"no exchange refers to {identity}")

    # --- parts ------------------------------------------------------------------------------

    def _losses(self, kept: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            self.stored.losses[one]
            for one in kept["loss"]
            if self.stored.losses.get(one, {}).get("exchange") == kept["exchange"]
        ]

    def _block(self, line: dict[str, Any] | None) -> tuple[bytes | None, str]:
        """Return the bytes that a line speaks of, and what is wrong with what it says of them."""
        if line is None:
            return None, ""
        identity = str(line["record"])
        record = self.stored.records.get(identity)
        if record is None:
            return None, f"record {identity} is not in the WARC"
        self.used.add(identity)
        digest = hashlib.sha256(record.block).hexdigest()
        if line["bytes"] != len(record.block) or line["sha256"] != digest:
            return record.block, "exchanges.jsonl and the WARC disagree about its bytes"
        return record.block, ""


def _pair(wire: Wire, stored: Stored) -> tuple[list[_Pair], list[dict[str, Any]]]:
    """Pair exchanges of one method and URL: the same bytes first, then in their order."""
    waiting: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for kept in stored.exchanges:
        waiting[kept["method"], _plain(kept["url"])].append(kept)
    pairs: list[_Pair] = [_Pair(seen, None) for seen in wire.exchanges]
    for strict in (3, 2, 1, 0):
        for pair in pairs:
            candidates = waiting[pair.seen.method, _plain(pair.seen.url)]
            if pair.kept is not None or not candidates:
                continue
            found = next(
                (one for one in candidates if _alike(wire, stored, pair.seen, one) >= strict), None
            )
            if found is not None:
                pair.kept = found
                candidates.remove(found)
    return pairs, [one for group in waiting.values() for one in group]


def _alike(wire: Wire, stored: Stored, seen: Exchange, kept: dict[str, Any]) -> int:
    """Return how much speaks for these two being one exchange."""
    if kept["request"] is None:
        return 0
    if seen.stream is not None:
        return 1 + 2 * (kept.get("stream") == seen.stream)
    lines = (kept["request"], kept["response"])
    blocks = [
        record.block if (record := stored.records.get(str((line or {}).get("record")))) else None
        for line in lines
    ]
    same_request = blocks[0] == wire.request_bytes(seen)
    return 1 + same_request + (same_request and (blocks[1] or b"") == wire.response_bytes(seen))


def _plain(url: str) -> str:
    return urldefrag(url)[0].replace("wss://", "https://", 1).replace("ws://", "http://", 1)


def _other_end(seen: Connection, line: dict[str, Any]) -> str:
    """Return what a capture says of a connection that is not so."""
    address = seen.local.rpartition(":")[0]
    if line["peer"] != address:
        return f"peer {line['peer']}, and the site answered at {address}"
    tls = line["tls"] or {}
    if (tls.get("version") or "").replace(" ", "v", 1) != (seen.tls or ""):
        return f"{tls.get('version')}, and the site spoke {seen.tls}"
    if tls.get("cipher") != seen.cipher:
        return f"cipher {tls.get('cipher')}, and the site used {seen.cipher}"
    shown = [one["sha256"] for one in line["certificates"][:1]]
    if shown != ([seen.certificate] if seen.certificate else []):
        return f"certificate {shown}, and the site showed {seen.certificate}"
    return ""


def _difference(one: bytes, other: bytes) -> int:
    """Return the offset of the first byte that differs."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _words(loss: dict[str, Any]) -> str:
    return f"[{loss['loss']}] {loss['kind']}: {loss['what']}: {loss['why']}"


def main(arguments: list[str]) -> int:
    """Print the table; return 0 where nothing is missing and nothing is wrong."""
    everything = "--all" in arguments
    places = [Path(one) for one in arguments if one != "--all"]
    if len(places) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        comparison = compare(Wire.read(places[0]), Stored.read(places[1]))
    except InputError as error:
        print(f"compare: {error}", file=sys.stderr)
        return error.exit_code
    print(comparison.table(everything=everything))
    return 0 if comparison.good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
