"""Hold what a capture stored to what its second witness saw. Runs confined.

Packets are put in order, TLS is opened with the logged keys, and messages are told apart by the
same rules as the decoder's: the bytes are another's, the framing is ours. Then each message is
compared with its WARC record, byte for byte, and an HTTP/2 connection's frames with those kept.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from holdfast.collect.web.connections import CIPHERS, Connection
from holdfast.collect.web.exchanges import Exchange
from holdfast.collect.web.matching import (
    DIFFERS,
    EXPLAINED,
    UNWITNESSED,
    Difference,
    compared,
    frames,
)
from holdfast.collect.web.second_witness import COMPARED
from holdfast.collect.web.session import Http2Wire
from holdfast.collect.web.told import Capture
from holdfast.collect.web.wires import Http1Wire, Tunnel
from holdfast.webarchive.packets import RST, SYN, Segment, Stream, segment
from holdfast.webarchive.pcapng import packets
from holdfast.webarchive.spool import Spool
from holdfast.webarchive.tls import RECEIVED, SENT, Keys, Session, read_keys

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.collect.web.told import Told

End = tuple[str, int]
ONLY_LOG, ONLY_WIRE, SHORTER = "only-in-log", "only-on-wire", "shorter"
DISAGREE = (DIFFERS, ONLY_LOG, ONLY_WIRE)
_HELD = 1 << 20
"""Bytes that a server may send before the browser has said anything."""
_KEYS = 64 << 20
_VERSIONS = {0x0303: "tls/1.2", 0x0304: "tls/1.3"}


def run(told: dict[str, Any], stored: Path, scratch: Path) -> dict[str, Any]:
    """Compare what `told` has open with what is `stored`; return counts.

    Raises:
        PcapngError, ValueError, OSError: it can't be done.
    """
    keys: Keys = {}
    if told["keys"] is not None:
        with os.fdopen(told["keys"], "rb") as file:
            keys = read_keys(file.read(_KEYS))
    with os.fdopen(told["guard"], "rb") as file:
        guard = [orjson.loads(line) for line in file]
    with (
        os.fdopen(told["traffic"], "rb", buffering=1 << 20) as traffic,
        (scratch / COMPARED).open("xb") as out,
    ):
        check = Check(Capture.read(stored), keys, guard, out, folder=stored, scratch=scratch)
        check.run(traffic)
    return {
        "connections": dict(check.connections),
        "exchanges": dict(check.counts),
        "flaws": dict(check.flaws),
    }


@dataclass
class Flow:
    """A connection, as the packets show it."""

    guard: int
    local: End
    peer: End
    session: Session
    first: int
    """The SYN's sequence number, which tells a new connection from a repeated packet."""
    number: int | None
    """In connections.jsonl; None where the log has no such connection."""
    ways: dict[str, Stream] = field(default_factory=lambda: {SENT: Stream(), RECEIVED: Stream()})
    carried: dict[str, int] = field(default_factory=lambda: {SENT: 0, RECEIVED: 0})
    wire: Http1Wire | Http2Wire | None = None
    held: list[tuple[str, bytes]] = field(default_factory=list)
    unmatched: list[Exchange] = field(default_factory=list)
    messages: int = 0
    closed: bool = False

    @property
    def flaw(self) -> str:
        """Why not all of it could be read; empty if all could."""
        if self.session.broken:
            return self.session.broken
        return "packets are missing" if any(one.gap for one in self.ways.values()) else ""


class Check:
    """One comparison."""

    def __init__(
        self, capture: Capture, keys: Keys, guard: list[dict[str, Any]], out: BinaryIO,
        *, folder: Path, scratch: Path,
    ) -> None:  # fmt: skip
        self._capture = capture
        self._keys = keys
        self._folder = folder
        self._scratch = scratch
        self._out = out
        self._flows: dict[tuple[End, End], Flow] = {}
        self._all: list[Flow] = []
        self._lines: dict[End, deque[int]] = {}
        for line in guard:
            if line.get("local") and not line.get("refused"):
                local = _end(str(line["local"]))
                self._lines.setdefault(local, deque()).append(int(line["connection"]))
        self._expected = sum(len(one) for one in self._lines.values())
        self._by_number: dict[int, Flow] = {}
        self.counts: Counter[str] = Counter()
        self.connections: Counter[str] = Counter()
        self.flaws: Counter[str] = Counter()

    def run(self, traffic: BinaryIO) -> None:
        """Read all packets and compare all messages.

        Raises:
            PcapngError, ValueError, OSError: it can't be done.
        """
        for packet in packets(traffic):
            found = segment(packet.data)
            if found is not None:
                self._segment(found, packet.time // 1000)
        for flow in self._all:
            self._close(flow, 0)
        self._rest()
        missed = self._expected - len(self._all)
        if missed > 0:
            self.flaws["connections without packets"] += missed

    # --- packets ----------------------------------------------------------------------------

    def _segment(self, one: Segment, time: int) -> None:
        way = SENT if one.source in self._lines else RECEIVED
        local, peer = (one.source, one.target) if way == SENT else (one.target, one.source)
        flow = self._flows.get((local, peer))
        if way == SENT and one.flags & SYN and (flow is None or flow.first != one.sequence):
            flow = self._begin(local, peer, one.sequence)
        if flow is None or flow.closed:
            return
        stream = flow.ways[way]
        data = stream.take(one)
        if data:
            for whose, plain in flow.session.feed(way, data):
                if plain:
                    self._plain(flow, whose, plain, time)
        if one.flags & RST or all(each.ended for each in flow.ways.values()):
            self._close(flow, time)

    def _begin(self, local: End, peer: End, sequence: int) -> Flow | None:
        if not self._lines.get(local):
            return None
        guard = self._lines[local].popleft()
        told = self._capture.connections.get(guard)
        number = None if told is None else int(told["connection"])
        flow = Flow(guard, local, peer, Session(self._keys), sequence, number)
        self._flows[local, peer] = flow
        self._all.append(flow)
        if number is not None:
            self._by_number[number] = flow
        return flow

    def _plain(self, flow: Flow, way: str, data: bytes, time: int) -> None:
        flow.carried[way] += len(data)
        if flow.wire is None:
            flow.held.append((way, data))
            if way == RECEIVED and flow.carried[RECEIVED] < _HELD:
                return
            two = way == SENT and data.startswith(b"PRI * HTTP/2")
            kind = Http2Wire if two else Http1Wire
            flow.wire = kind(_House(self, flow), Connection(flow.guard, 0, time))
            held, flow.held = flow.held, []
            for whose, piece in held:
                self._feed(flow.wire, whose, piece, time)
            return
        self._feed(flow.wire, way, data, time)

    def _feed(self, wire: Http1Wire | Http2Wire, way: str, data: bytes, time: int) -> None:
        if way == SENT:
            wire.sent(data, time)
        else:
            wire.received(data, time)

    def _close(self, flow: Flow, time: int) -> None:
        if flow.closed:
            return
        flow.closed = True
        for stream in flow.ways.values():
            stream.close()
        if flow.wire is not None:
            flow.wire.closed(time)
        self._unmatched(flow)
        self._connection(flow)
        flow.wire = None

    # --- messages ---------------------------------------------------------------------------

    def arrived(self, flow: Flow, exchange: Exchange) -> None:
        """Compare an exchange that is over with the stored one of the same request."""
        told = self._stored(flow, exchange)
        if told is None:
            flow.unmatched.append(exchange)
        else:
            self._compare(flow, exchange, told)

    def _stored(self, flow: Flow, exchange: Exchange) -> Told | None:
        waiting = self._capture.waiting.get(flow.number or 0, ())
        if exchange.stream is not None:
            return next((one for one in waiting if one.stream == exchange.stream), None)
        sent = exchange.request.spool.sha256 if exchange.request is not None else None
        for one in waiting:
            if one.messages.get("request", ("", ""))[1] == sent:
                return one
        return None

    def _unmatched(self, flow: Flow) -> None:
        """Pair what no request's bytes could pair: in order, while both sides have some."""
        waiting = self._capture.waiting.get(flow.number or 0, deque())
        for exchange in flow.unmatched:
            same = exchange.stream is None and len(flow.unmatched) == len(waiting)
            if same and waiting:
                self._compare(flow, exchange, waiting[0])
            else:
                start = exchange.request.spool.start(200) if exchange.request else b""
                what = start.partition(b"\r\n")[0].decode("latin-1")
                if self._capture.cut:
                    self._say(flow, None, EXPLAINED, "the browser's log has no end", what=what)
                else:
                    why = "the browser's log has no such exchange"
                    self._say(flow, None, ONLY_WIRE, why, what=what)
                _drop(exchange)
        flow.unmatched.clear()

    def _compare(self, flow: Flow, exchange: Exchange, told: Told) -> None:
        self._capture.waiting[told.connection].remove(told)
        found = compared(self._capture, exchange, told, flaw=flow.flaw)
        _drop(exchange)
        self._say(flow, told, found.verdict, found.why, messages=found.messages)

    def _rest(self) -> None:
        """Tell what is stored and was not seen on the wire."""
        for number, waiting in self._capture.waiting.items():
            flow = self._by_number.get(number)
            for told in waiting:
                if flow is None or flow.flaw:
                    why = "no packets of its connection" if flow is None else flow.flaw
                    self._say(flow, told, UNWITNESSED, why)
                else:
                    self._say(flow, told, ONLY_LOG, "it did not pass the connection that it names")

    def _say(
        self, flow: Flow | None, told: Told | None, verdict: str, why: str = "", *,
        what: str = "", messages: list[Difference] | None = None,
    ) -> None:  # fmt: skip
        self.counts[verdict] += 1
        line: dict[str, Any] = {
            "connection": flow.number if told is None and flow else told and told.connection,
            "exchange": None if told is None else told.exchange,
            "guard": None if flow is None else flow.guard,
            "messages": [one.as_json() for one in messages or ()],
            "url": what if told is None else told.url,
            "verdict": verdict,
            "why": why,
        }
        self._out.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def _connection(self, flow: Flow) -> None:
        """Tell of a connection as a whole: its frames, its TLS, how much it carried."""
        told = self._capture.connections.get(flow.guard)
        session = flow.session
        verdict, why = "identical", ""
        if flow.flaw:
            verdict, why = UNWITNESSED, flow.flaw
            self.flaws[why] += 1
        elif told is None:
            if any(flow.carried.values()):
                verdict = SHORTER if self._capture.cut else ONLY_WIRE
                why = "the browser's log has no such connection"
        else:
            verdict, why = _whole(flow, told, cut=self._capture.cut)
            if isinstance(flow.wire, Http2Wire):
                ours = self._folder / f"http2/{flow.number}.frames"
                theirs = self._scratch / f"{flow.guard}.frames"
                found = frames(ours, theirs, cut=self._capture.cut)
                verdict, why = found or (verdict, why)
        (self._scratch / f"{flow.guard}.frames").unlink(missing_ok=True)
        self.connections[verdict] += 1
        line = {
            "cipher": CIPHERS.get(session.cipher) if session.cipher else None,
            "connection": flow.number,
            "guard": flow.guard,
            "peer": f"[{flow.peer[0]}]:{flow.peer[1]}" if ":" in flow.peer[0]
            else f"{flow.peer[0]}:{flow.peer[1]}",
            "received": flow.carried[RECEIVED],
            "sent": flow.carried[SENT],
            "tls": _VERSIONS.get(session.version),
            "verdict": verdict,
            "why": why,
        }  # fmt: skip
        self._out.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    # --- what wires ask for -----------------------------------------------------------------

    def spool(self) -> Spool:
        """Return a new spool."""
        return Spool(self._scratch)

    def file(self, name: str) -> Path:
        """Return a path in the scratch folder."""
        return self._scratch / name


class _House:
    """What one connection's wire asks of the check."""

    def __init__(self, check: Check, flow: Flow) -> None:
        self._check = check
        self._flow = flow

    def spool(self) -> Spool:
        return self._check.spool()

    def claim(self, connection: Connection, time: int) -> Exchange:
        self._flow.messages += 1
        return Exchange(self._flow.messages, None, "", "", time, connection=connection.number)

    def claim_stream(self, connection: Connection, stream: int, time: int) -> Exchange:
        exchange = self.claim(connection, time)
        exchange.stream = stream
        return exchange

    def arrived(self, exchange: Exchange, time: int) -> None:  # noqa: ARG002 - as a wire has it
        self._check.arrived(self._flow, exchange)

    def websocket(self, exchange: Exchange) -> Tunnel:
        name = f"{self._flow.guard}-{exchange.number}.listing"
        return Tunnel(self.spool(), self.spool(), self._check.file(name).open("wb"))

    def frames(self, connection: Connection) -> Path:
        return self._check.file(f"{connection.number}.frames")


def _whole(flow: Flow, told: dict[str, Any], *, cut: bool) -> tuple[str, str]:
    """Compare what the log says of a connection's TLS and bytes with what passed."""
    tls = told.get("tls") or {}
    cipher = CIPHERS.get(flow.session.cipher)
    if flow.session.cipher and tls.get("cipher") not in {None, cipher}:
        return DIFFERS, f"the cipher was {cipher}, and the log says {tls['cipher']}"
    for way in (RECEIVED, SENT):
        carried = int(told["bytes"][way]["carried"])
        if carried > flow.carried[way]:
            return DIFFERS, f"{way}: {carried} bytes in the log, {flow.carried[way]} on the wire"
        if carried < flow.carried[way]:
            more = flow.carried[way] - carried
            # A browser need not read what it got; but what it wrote, its log has.
            verdict = SHORTER if way == RECEIVED or cut else DIFFERS
            return verdict, f"{way}: {more} bytes on the wire that the browser's log has not"
    return "identical", ""


def _drop(exchange: Exchange) -> None:
    parts = [exchange.request, exchange.response, *exchange.interim]
    spools = [one.spool for one in parts if one is not None]
    if isinstance(exchange.websocket, Tunnel):
        spools += exchange.websocket.spools.values()
    for one in spools:
        one.drop()


def _end(text: str) -> End:
    address, _, port = text.rpartition(":")
    return address.strip("[]"), int(port)
