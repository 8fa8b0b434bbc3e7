"""Account for an exchange: is all of it stored, and if not, what says why?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from holdfast.collect.web import asked
from holdfast.collect.web.connections import CIPHERS
from holdfast.collect.web.exchanges import message_line, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.collect.web.connections import Connection
    from holdfast.collect.web.exchanges import Exchange, Part
    from holdfast.collect.web.loss import Ledger
    from holdfast.collect.web.netlog import Event

_UPGRADED = -173
"""ERR_WS_UPGRADE: the request became a WebSocket, which is no failure."""
ABORTED = -3
"""ERR_ABORTED: given up by whoever asked."""
_SAFE = "".join(map(chr, range(33, 127)))


def account(
    exchange: Exchange, ledger: Ledger, *, over: bool, complete: bool,
    stored: int | None, refused: str | None,
) -> str:  # fmt: skip
    """Write the losses of an exchange; return `stored`, `explained` or `unexplained`.

    `over` says that the log has ended, `complete` that it has its end, `stored` names an exchange
    with the whole answer of this URL, `refused` is why the guard refused its host.
    """
    if exchange.net_error == _UPGRADED:
        exchange.net_error = 0
    cut = over and not exchange.log_done
    if not exchange.sent:
        _unsent(exchange, ledger, cut=cut, complete=complete, stored=stored, refused=refused)
        return "explained"
    request, response = exchange.request, exchange.response
    if response is not None and response.until_close and not response.fault:
        # The end of the connection is the end of the body, if the browser took it so.
        response.whole = exchange.source is not None and not exchange.net_error and not cut
    disagrees = _disagreement(exchange)
    if disagrees:
        _lose(exchange, ledger, "undecoded", "which request this is", disagrees)
    if request is None or not request.whole:
        _message(exchange, ledger, "request", request, cut=cut, complete=complete)
    if response is None or not response.whole:
        _message(exchange, ledger, "response", response, cut=cut, complete=complete)
    if exchange.websocket is not None and exchange.websocket.cut:
        _lose(
            exchange,
            ledger,
            "truncated",
            "the WebSocket's last frame",
            "the connection ended in it",
        )
    if exchange.losses:
        return "explained"
    if exchange.net_error and exchange.net_error != ABORTED:
        what = "what the browser made of the response, which is stored"
        exchange.losses.append(ledger.failure(what, exchange.net_error, exchange.number))
    whole = request is not None and request.whole and response is not None and response.whole
    if whole and request is not None and request.written and response and response.written:
        return "stored"
    _lose(exchange, ledger, "undecoded", "the exchange", "nothing says why it is not whole")
    return "unexplained"


def _unsent(
    exchange: Exchange, ledger: Ledger, *, cut: bool, complete: bool,
    stored: int | None, refused: str | None,
) -> None:  # fmt: skip
    what = "the whole exchange"
    if exchange.redirected_to:
        why = f"the browser went to {exchange.redirected_to} by itself"
        _lose(exchange, ledger, "not-on-the-wire", what, why)
    elif exchange.net_error and refused is not None:
        exchange.losses.append(ledger.add(
            "blocked", what, f"the guard refused it: {refused}", exchange=exchange.number,
            net_error=exchange.net_error,
        ))  # fmt: skip
    elif exchange.net_error:
        exchange.losses.append(ledger.failure(what, exchange.net_error, exchange.number))
    elif exchange.from_cache:
        source = f" of exchange {stored}" if stored is not None else ""
        why = f"answered from the browser's cache{source}"
        exchange.protocol = "cache"
        _lose(exchange, ledger, "not-on-the-wire", what, why)
    elif cut:
        kind = "cancelled" if complete else "crash"
        _lose(exchange, ledger, kind, what, "the log ends before it was sent")
    elif not exchange.started_job:
        _lose(exchange, ledger, "blocked", what, "the browser refused it before it began")
    else:
        scheme = exchange.url.partition(":")[0]
        if scheme not in {"http", "https", "ws", "wss"}:
            exchange.protocol = scheme
        why = "no connection carried it"
        _lose(exchange, ledger, "not-on-the-wire", what, why)


def _message(
    exchange: Exchange, ledger: Ledger, name: str, part: Part | None, *, cut: bool, complete: bool
) -> None:
    what = f"the {name}" if part is None else f"the rest of the {name}"
    if part is not None and part.fault:
        what = f"where the {name} ends; its bytes are stored"
        _lose(exchange, ledger, "undecoded", what, part.fault)
    elif exchange.net_error:
        exchange.losses.append(ledger.failure(what, exchange.net_error, exchange.number))
    elif exchange.reset:
        _lose(exchange, ledger, "truncated", what, exchange.reset)
    elif cut:
        kind = "truncated" if complete else "crash"
        _lose(exchange, ledger, kind, what, "the log ends here")
    else:
        _lose(exchange, ledger, "truncated", what, "the connection was closed")


def _lose(exchange: Exchange, ledger: Ledger, kind: str, what: str, why: str) -> None:
    exchange.losses.append(ledger.add(kind, what, why, exchange=exchange.number))


def _disagreement(exchange: Exchange) -> str:
    """Compare what was sent with what the log says was asked; return the difference in words."""
    if exchange.source is None or exchange.request is None or exchange.request.head is None:
        return ""
    head = exchange.request.head
    parts = head.start.split(b" ")
    target = parts[1].decode("latin-1") if len(parts) > 1 else ""
    bare = exchange.url.partition("#")[0]
    start = bare.find("/", bare.find("://") + 3)
    path = bare[start:] if start >= 0 else "/"
    if target in {path, exchange.url}:
        return ""
    return f"the log says {path}, and {target} was sent"


def name_orphan(exchange: Exchange, *, secure: bool) -> None:
    """Give an exchange that the log does not tell of the URL and method that it was sent with."""
    head = exchange.request.head if exchange.request is not None else None
    if exchange.source is not None or head is None:
        exchange.url = exchange.url or f"urn:holdfast:exchange:{exchange.number}"
        return
    method, _, rest = head.start.partition(b" ")
    fields = {name.lower(): value for name, value in reversed(head.fields)}
    host = fields.get(b":authority") or fields.get(b"host") or b"unknown.invalid"
    target = rest.partition(b" ")[0]
    exchange.method = method.decode("latin-1")
    text_ = ("https://" if secure else "http://") + (host + target).decode("latin-1")
    exchange.url = quote(text_, safe=_SAFE)


def tls(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of a connection's TLS."""
    suite = params.get("cipher_suite")
    alpn, version = params.get("next_proto"), params.get("version")
    told: dict[str, Any] = {
        "version": version if isinstance(version, str) else None,
        "cipher": CIPHERS.get(suite, f"0x{suite:04x}") if isinstance(suite, int) else None,
        "alpn": alpn if isinstance(alpn, str) and alpn != "unknown" else None,
        "resumed": params.get("is_resumed") is True,
        "ech": params.get("encrypted_client_hello") is True,
    }
    if isinstance(params.get("net_error"), int):
        told["net_error"] = params["net_error"]
    return told


def count(event: Event) -> int:
    """Return how many bytes an event says it carries."""
    found = event.params.get("byte_count")
    return found if isinstance(found, int) else 0


def proxy_overhead(connection: Connection) -> int:
    """Return how many received bytes were the proxy's own answers (RFC 1928, sections 3 and 6)."""
    return 0 if connection.socks is None else connection.proxy_received


def line(exchange: Exchange) -> bytes:
    """Return an exchange as exchanges.jsonl has it."""
    head = exchange.request.head if exchange.request is not None else None
    response = exchange.response
    value: dict[str, Any] = {
        "exchange": exchange.number,
        "source": exchange.source,
        "url": exchange.url,
        "method": exchange.method,
        "initiator": exchange.initiator or None,
        "type": _type(exchange),
        "annotation": exchange.annotation,
        "annotation_name": asked.name_of(exchange.annotation),
        "follows": exchange.follows,
        "started": text(exchange.began),
        "sent": text(exchange.request.began) if exchange.request is not None else None,
        "ended": text(exchange.ended),
        "connection": exchange.connection,
        "turn": exchange.turn,
        "stream": exchange.stream,
        "protocol": exchange.protocol,
        "request": message_line(exchange.request),
        "response": message_line(response),
        "status": response.status if response is not None else None,
        "interim": [message_line(part) for part in exchange.interim],
        "exact": _exact(exchange),
        "loss": exchange.losses,
    }
    if exchange.net_error:
        value["net_error"] = exchange.net_error
    if exchange.tunnel:
        value["tunnel"] = exchange.tunnel | {"frames": exchange.websocket.count}
    if head is not None:
        pseudo = [
            [n.decode("latin-1"), v.decode("latin-1")] for n, v in head.fields if n[:1] == b":"
        ]
        if pseudo:
            value["pseudo"] = pseudo
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def _exact(exchange: Exchange) -> bool:
    """Say whether both directions are stored as they were on the wire, whole."""
    parts = (exchange.request, exchange.response)
    return all(part is not None and part.whole and part.written for part in parts)


def _type(exchange: Exchange) -> str | None:
    """Return what the request was for: as the browser told the server, else as the log has it."""
    head = exchange.request.head if exchange.request is not None else None
    fields = {name.lower(): value for name, value in head.fields} if head is not None else {}
    if exchange.method == "OPTIONS" and b"access-control-request-method" in fields:
        return "preflight"
    if exchange.protocol == "websocket" or exchange.url.startswith(("ws:", "wss:")):
        return "websocket"
    told = fields.get(b"sec-fetch-dest", b"").decode("latin-1")
    if told and told != "empty":
        return told
    name = asked.name_of(exchange.annotation)
    if name == "favicon_loader":
        return "favicon"
    if told == "empty":
        return "fetch"
    return {"main frame": "document", "subframe": "iframe"}.get(
        exchange.kind, exchange.kind
    ) or None
