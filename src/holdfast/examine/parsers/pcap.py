"""Captures of network traffic, pcap and pcapng: flows, DNS, HTTP/1, the start of TLS.

Sources: `_pcap`, `_packet`, `_tcp`, `_http`, `_tls` name them; DNS messages are read by dnspython.
What comes out, in the order in which it is complete: a record for each DNS message, each HTTP
exchange, each TLS handshake, each flow when it ends; then failures, one for each reason for which
packets could not be read; last, the capture as a whole. Checksums are not checked: cards that
count them themselves leave wrong ones in captures of their own machine.

Times are the capturing machine's clock, to the nanosecond where the file has them.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, TypedDict

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from holdfast.examine import _http, _tls, _transferred
from holdfast.examine._network import Walk, protocol_name
from holdfast.examine._pcap import Capture, is_capture
from holdfast.examine._talk import Dns, Exchanged, Flow, Handshake
from holdfast.examine.parsers._pcap_records import (
    NetworkCapture,
    NetworkDns,
    NetworkFlow,
    NetworkHttp,
    NetworkTls,
)
from holdfast.examine.record import Failure, Record, Timed, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine._pcap import Frame
    from holdfast.examine._talk import Found
    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS: tuple[str, ...] = ("dnspython", "python")
RECORDS: tuple[type[Record], ...] = (
    NetworkFlow, NetworkDns, NetworkHttp, NetworkTls, NetworkCapture,
)  # fmt: skip
_SHOWN = 300
_ANSWERS = 200
_DATA = 1000
"""Characters of one answer's data that are kept."""
_FIN, _SYN, _RST = 1, 2, 4
_LATEST = 1 << 62


class _Ends(TypedDict):
    source_ip: str
    source_port: int | None
    destination_ip: str
    destination_port: int | None


def match(file: EvidenceFile) -> bool:
    """Accept pcap and pcapng of either byte order."""
    return is_capture(file.head)


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield what the capture holds, what could not be read, and the capture's own facts."""
    walk = Walk(Capture(file))
    flows = 0
    for found in walk.found():
        flows += isinstance(found, Flow)
        yield _record(found)
    for trouble in walk.capture.troubles[:_ANSWERS]:
        # Told at the end, since they come between the packets: the place is in the words.
        yield Failure(message=f"at byte {trouble.offset}: {trouble.reason}", reason=trouble.reason)
    for reason, count in sorted(walk.failures.items()):
        yield Failure(message=f"{count} packets: {reason}", reason=reason)
    yield _whole(walk, flows)


def _record(found: Found) -> Record:
    if isinstance(found, Flow):
        return _flow(found)
    if isinstance(found, Dns):
        return _dns(found)
    return _exchange(found) if isinstance(found, Exchanged) else _handshake(found)


def _when(frame: Frame | None, meaning: str) -> Timed:
    micros = _micros(None if frame is None else frame.time)
    fine = micros is not None and frame is not None and frame.time is not None and frame.fine
    nanos = frame.time % 1000 if fine and frame is not None and frame.time is not None else None
    return timed(micros, meaning, nanos=nanos)


def _micros(nanos: int | None) -> int | None:
    return None if nanos is None or abs(nanos // 1000) > _LATEST else nanos // 1000


def _ends(flow: Flow, direction: int = 0) -> _Ends:
    source, target = flow.ends[direction], flow.ends[1 - direction]
    return {
        "source_ip": str(ip_address(source.address)), "source_port": source.port,
        "destination_ip": str(ip_address(target.address)), "destination_port": target.port,
    }  # fmt: skip


def _arrow(ends: _Ends) -> str:
    def one(address: str, port: int | None) -> str:
        if port is None:
            return address
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

    source = one(ends["source_ip"], ends["source_port"])
    return f"{source} > {one(ends['destination_ip'], ends['destination_port'])}"


def _flow(flow: Flow) -> NetworkFlow:
    ends, name = _ends(flow), protocol_name(flow.protocol)
    packets, size = sum(flow.packets), sum(flow.size)
    carries = f" ({flow.carries})" if flow.carries else ""
    notes = ["ended here since too many flows were open"] if flow.early else []
    if flow.halves is not None and any(half.strange for half in flow.halves):
        notes.append("segments whose sequence numbers are not of this stream")
    halves = flow.halves
    return NetworkFlow(
        message=f"{name} {_arrow(ends)}{carries}: {packets} packets, {size} bytes",
        **_when(flow.first, "begun"),
        row=flow.first.number,
        stream=flow.number,
        protocol=name,
        **ends,
        last_time=_micros(flow.last),
        packets_sent=flow.packets[0],
        packets_received=flow.packets[1],
        bytes_sent=flow.size[0],
        bytes_received=flow.size[1],
        payload_sent=flow.payload[0],
        payload_received=flow.payload[1],
        carries=flow.carries or None,
        state=_state(flow),
        resent_bytes=None if halves is None else sum(half.resent for half in halves),
        differing_bytes=None if halves is None else sum(half.differing for half in halves),
        missing_bytes=None if halves is None else sum(half.missing for half in halves),
        notes=notes,
    )


def _state(flow: Flow) -> str | None:
    if flow.halves is None:
        return None
    if not flow.begun:
        return "seen in part"
    if (flow.flags[0] | flow.flags[1]) & _RST:
        return "reset"
    if all(flags & _FIN for flags in flow.flags):
        return "closed"
    return "answered" if flow.flags[1] & _SYN else "begun"


def _dns(found: Dns) -> Record:
    ends = _ends(found.flow, found.direction)
    try:
        message = dns.message.from_wire(
            found.data, ignore_trailing=True, one_rr_per_rrset=True, continue_on_error=True
        )
    except (dns.exception.DNSException, ValueError) as error:
        return Failure(
            message=f"DNS message {_arrow(ends)}", reason=f"not readable ({type(error).__name__})",
            **_when(found.frame, "sent"), row=found.frame.number,
        )  # fmt: skip
    response = bool(message.flags & dns.flags.QR)
    question = message.question[0] if message.question else None
    name = None if question is None else _plain(question.name.to_text(omit_final_dot=True))
    kind = None if question is None else dns.rdatatype.to_text(question.rdtype)
    answers = [_plain(one.to_text())[:_DATA] for one in message.answer[:_ANSWERS]]
    code = dns.rcode.to_text(message.rcode()) if response else None
    notes = [f"{len(message.question)} questions"] if len(message.question) > 1 else []
    if len(message.answer) > _ANSWERS:
        notes.append(f"{len(message.answer)} answers, of which {_ANSWERS} are kept")
    if message.flags & dns.flags.TC:
        notes.append("shortened by the server (TC)")
    if message.errors:
        notes.append("parts of the message can't be read")
    shown = f": {code}, {'; '.join(answers) or 'nothing'}" if response else ""
    what = "answer" if response else "question"
    return NetworkDns(
        message=f"{what} {kind or '?'} {name or '?'}{shown}"[:_SHOWN],
        **_when(found.frame, "answered" if response else "asked"),
        row=found.frame.number,
        stream=found.flow.number,
        **ends,
        dns_id=message.id,
        response=response,
        query_name=name,
        query_type=kind,
        code=code,
        answers=answers,
        notes=notes,
    )


def _exchange(found: Exchanged) -> NetworkHttp:
    exchange = found.exchange
    asked, answered = exchange.request, exchange.response
    begun = asked or answered
    head = asked.message.head if asked is not None else None
    target = head.start.split(b" ")[1:2] if head is not None else []
    host = _value(asked, b"host")
    url = _url(_text(target[0]) if target else None, host)
    method = _plain(asked.message.method)[:40] if asked is not None and head is not None else None
    status = answered.message.status if answered is not None else None
    secret = _value(asked, b"authorization") or _value(asked, b"proxy-authorization")
    version = (answered or asked).message.version[:8] if begun is not None else ""  # type: ignore[union-attr]
    words = (method, url, None if status is None else str(status))
    return NetworkHttp(
        message=" ".join(one for one in words if one)[:_SHOWN] or "HTTP",
        **_when(None if begun is None else begun.frame, "requested" if asked else "answered"),
        host=_plain(host) if host else None,
        row=None if begun is None else begun.frame.number,
        stream=found.flow.number,
        exchange=exchange.number,
        **_ends(found.flow),
        method=method,
        url=url,
        protocol=f"HTTP/{_plain(version)}" if version else None,
        status=status,
        user_agent=_value(asked, b"user-agent"),
        referrer=_value(asked, b"referer"),
        server=_value(answered, b"server"),
        content_type=_value(answered, b"content-type"),
        sent_type=_value(asked, b"content-type"),
        location=_value(answered, b"location"),
        authorization=secret.partition(" ")[0][:40] if secret else None,
        response_time=_micros(None if answered is None else answered.frame.time),
        response_row=None if answered is None else answered.frame.number,
        sent_bytes=None if asked is None else asked.body_length,
        received_bytes=None if answered is None else answered.body_length,
        sha256=_digest(answered),
        part=_transferred.body_path(found, answered, sent=False),
        sent_part=_transferred.body_path(found, asked, sent=True),
        notes=[*_notes(asked, "request"), *_notes(answered, "response")],
    )


def _notes(half: _http.Half | None, what: str) -> list[str]:
    if half is None:
        return [f"no {what} was seen"]
    notes = [f"{half.missing} bytes of the {what} were not captured"] if half.missing else []
    if not half.missing and half.message.state in _transferred.OPEN:
        notes.append(f"the {what} breaks off")
    return notes + ([f"the {what}: {half.message.fault}"] if half.message.fault else [])


def _digest(half: _http.Half | None) -> str | None:
    whole = half is not None and half.body_length > 0 and not half.missing
    return half.message.payload.hexdigest() if half is not None and whole else None


def _url(target: str | None, host: str | None) -> str | None:
    if target is None or "://" in target or not target.startswith("/"):
        return target
    return f"http://{_plain(host)}{target}" if host else target


def _handshake(found: Handshake) -> NetworkTls:
    client, server = found.session.client, found.session.server
    version = server.version if server else client.version if client else 0
    name = _plain(client.name) if client else ""
    ends = _ends(found.flow)
    shown = _tls.VERSIONS.get(version, f"version {version:#06x}")
    notes = ["the server asked to try again"] if found.session.retried else []
    notes += [] if client else ["no client hello was seen"]
    notes += [] if server else ["no server hello was seen"]
    notes += [found.session.fault] if found.session.fault else []
    chosen = server.protocols if server else ()
    return NetworkTls(
        message=f"{shown} {_arrow(ends)} {name}".strip()[:_SHOWN],
        **_when(found.frame, "begun"),
        host=name or None,
        row=found.frame.number,
        stream=found.flow.number,
        **ends,
        server_name=name or None,
        offered=[_plain(one) for one in client.protocols[:_ANSWERS]] if client else [],
        chosen=_plain(chosen[0]) if chosen else None,
        version=shown,
        cipher=f"{server.ciphers[0]:#06x}" if server and server.ciphers else None,
        ja3=_tls.ja3(client) if client else None,
        ja3s=_tls.ja3s(server) if server and server.ciphers else None,
        ja4=_tls.ja4(client) if client else None,
        certificates=[_transferred.digest(one) for one in found.session.chain],
        notes=notes,
    )


def _whole(walk: Walk, flows: int) -> NetworkCapture:
    sums, capture = walk.sums, walk.capture
    left = sum(sums.unsupported.values())
    notes = []
    if walk.fragments.overlaps:
        notes.append(f"{walk.fragments.overlaps} fragments overlap others; the first copy counts")
    if sums.early:
        notes.append(f"{sums.early} flows were ended early: too many were open")
    if sums.unfollowed:
        notes.append(f"{sums.unfollowed} connections were not followed to their end")
    return NetworkCapture(
        message=f"{capture.format or 'capture'} of {sums.seen} packets: {sums.parsed} parsed, "
        f"{left} unsupported, {sums.failed} failed",
        **_when(sums.first, "first packet"),
        format=capture.format or None,
        links=[str(link) for link in capture.links],
        interfaces=capture.interfaces,
        **{name: capture.said.get(name) for name in ("application", "os", "hardware")},  # type: ignore[arg-type]
        packets=sums.seen,
        parsed_packets=sums.parsed,
        unsupported_packets=left,
        failed_packets=sums.failed,
        cut_packets=sums.cut,
        dropped_packets=min(capture.dropped, _LATEST),
        unsupported=[f"{kind}: {count}" for kind, count in sorted(sums.unsupported.items())][
            :_ANSWERS
        ],
        bytes=sums.size,
        flows=flows,
        last_time=_micros(None if sums.last is None else sums.last.time),
        secret_blocks=capture.secrets,
        notes=notes,
    )


def _value(half: _http.Half | None, name: bytes) -> str | None:
    found = half.first(name) if half is not None else None
    return _plain(found)[:_DATA] if found else None


def _text(raw: bytes) -> str:
    return _plain(raw.decode("utf-8", "backslashreplace"))


def _plain(text: str) -> str:
    """Return text as one line that UTF-8 can hold."""
    return " ".join(text.encode("utf-8", "backslashreplace").decode("utf-8").split())
