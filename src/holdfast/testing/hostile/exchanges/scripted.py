"""What scripts do: preflight, workers, WebSocket, events, beacons."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from holdfast.testing.hostile.situation import RawAnswer, at, situation

if TYPE_CHECKING:
    from holdfast.testing.hostile.situation import Answer, Ask

_PLAIN = (b"Content-Type", b"text/plain")
_HTML = (b"Content-Type", b"text/html")
_SCRIPT = (b"Content-Type", b"text/javascript")
_WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What a server appends to the client's key (RFC 6455 section 1.3)."""


@situation(
    "preflight",
    "Another origin, asked first (OPTIONS)",
    script="""
      await get(OTHER + '/preflight', {method: 'PUT', body: '{}',
        headers: {'X-Custom': 'yes', 'Content-Type': 'application/json'}});
      return get(OTHER + '/preflight/refused', {method: 'DELETE'});""",
)
def preflight(ask: Ask, answer: Answer) -> None:
    if ask.path.endswith("/refused"):
        answer.send(403, [_PLAIN], b"no\n")
        return
    allowed = (b"Access-Control-Allow-Origin", ask.header(b"origin") or b"*")
    if ask.method == "OPTIONS":
        methods = (b"Access-Control-Allow-Methods", b"PUT")
        fields = (b"Access-Control-Allow-Headers", b"x-custom, content-type")
        answer.send(204, [allowed, methods, fields])
    else:
        answer.send(200, [allowed, _PLAIN], b"allowed\n")


@situation(
    "not-allowed",
    "Another origin's answer that the page may not read",
    script="return get(OTHER + '/not-allowed')",
)
def not_allowed(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN], b"sent, but not for you\n")


@situation(
    "service-worker",
    "A service worker: its script, what it fetches, and what it makes up",
    script="""
      const scope = '/service-worker/';
      const worker = await navigator.serviceWorker.register(scope + 'worker.js', {scope});
      const state = worker.installing || worker.waiting || worker.active;
      await new Promise((resolve) => {
        if (state.state === 'activated') resolve();
        state.onstatechange = () => { if (state.state === 'activated') resolve(); };
      });
      const made = await frame(scope + 'page');
      await made.contentWindow.done;
      return made.contentDocument.querySelector('p').textContent.trim();""",
)
def service_worker(ask: Ask, answer: Answer) -> None:
    match ask.path.rpartition("/")[2]:
        case "worker.js":
            answer.send(200, [_SCRIPT], _WORKER)
        case "page":
            answer.send(200, [_HTML], _CONTROLLED)
        case _:
            answer.send(200, [_PLAIN], b"from the network\n")


_WORKER = b"""\
self.addEventListener('install', (event) => {
  event.waitUntil(fetch('/service-worker/installed').then(() => self.skipWaiting()));
});
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', (event) => {
  if (event.request.url.endsWith('/made-up')) {
    event.respondWith(new Response('made up', {headers: {'X-From': 'worker'}}));
  } else if (event.request.url.includes('/asset')) {
    event.respondWith(fetch(event.request));
  }
});
"""
_CONTROLLED = b"""\
<!doctype html><body><p></p><script>
window.done = Promise.all([fetch('/service-worker/asset'), fetch('/service-worker/made-up')])
  .then((all) => Promise.all(all.map((one) => one.text())))
  .then((texts) => { document.querySelector('p').append(texts.join()); });
</script></body>
"""


@situation(
    "web-worker",
    "A worker that fetches and imports",
    script="""
      const worker = new Worker('/web-worker/worker.js');
      return new Promise((resolve) => { worker.onmessage = (event) => resolve(event.data); });""",
)
def web_worker(ask: Ask, answer: Answer) -> None:
    match ask.path.rpartition("/")[2]:
        case "worker.js":
            answer.send(
                200,
                [_SCRIPT],
                b"importScripts('/web-worker/imported.js');\n"
                b"fetch('/web-worker/data').then((r) => r.text()).then((t) => postMessage(t));\n",
            )
        case "imported.js":
            answer.send(200, [_SCRIPT], b"/* imported */\n")
        case _:
            answer.send(200, [_PLAIN], b"worked\n")


@situation(
    "local-storage",
    "A page that tells its server what the browser keeps for it",
    html="""<script>
      /* At once, as the first thing that a script of the page does after the prelude. */
      window.kept = JSON.stringify(Object.entries(localStorage).sort());
    </script>""",
    script="return get('/local-storage?' + encodeURIComponent(window.kept))",
)
def local_storage(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN], b"so it is\n")


@situation(
    "synchronous",
    "A synchronous request",
    script="""
      const asked = new XMLHttpRequest();
      asked.open('GET', '/synchronous', false);
      asked.send();
      return asked.responseText;""",
)
def synchronous(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN], b"at once\n")


@situation(
    "websocket",
    "A WebSocket: text, fragments, ping, and a goodbye",
    script="""
      const socket = new WebSocket(ONE.replace('https', 'wss') + '/websocket', ['chat', 'other']);
      socket.binaryType = 'arraybuffer';
      let got = 0;
      socket.onmessage = () => { got += 1; if (got === 2) socket.send('a'.repeat(70000)); };
      socket.onopen = () => socket.send('hello');
      return new Promise((resolve) => { socket.onclose = (event) => resolve(event.code); });""",
)
def websocket(ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    key = ask.header(b"sec-websocket-key") or b""
    accept = base64.b64encode(hashlib.sha1(key + _WEBSOCKET, usedforsecurity=False).digest())
    answer.head(
        101,
        [
            (b"Upgrade", b"websocket"),
            (b"Connection", b"Upgrade"),
            (b"Sec-WebSocket-Accept", accept),
            (b"Sec-WebSocket-Protocol", b"chat"),
        ],
    )
    answer.switched()
    # Text; a ping between the fragments of a binary message, as section 5.4 lets one do.
    answer.raw(b"\x81\x05first" + b"\x02\x03abc" + b"\x89\x02hi" + b"\x80\x03def")
    while (opcode := _frame(answer)) is not None:
        if opcode == 8:
            return
        if opcode == 0x101:
            # The long message came: say goodbye first.
            answer.raw(b"\x88\x0b\x03\xe8that's all")


def _frame(answer: RawAnswer) -> int | None:
    """Read a frame; return its opcode, with 0x100 added where it is a long one, or None."""
    head = answer.receive(2)
    if len(head) < 2:
        return None
    length = head[1] & 0x7F
    if length == 126:
        length = int.from_bytes(answer.receive(2), "big")
    elif length == 127:
        length = int.from_bytes(answer.receive(8), "big")
    masked = 4 if head[1] & 0x80 else 0
    answer.receive(masked + length)
    return (head[0] & 0x0F) | (0x100 if length > 60000 else 0)


@situation(
    "websocket-refused",
    "A WebSocket that the server refuses",
    script="""
      const socket = new WebSocket(ONE.replace('https', 'wss') + '/websocket-refused');
      return new Promise((resolve) => { socket.onclose = (event) => resolve(event.code); });""",
)
def refused(_ask: Ask, answer: Answer) -> None:
    answer.send(403, [_PLAIN], b"no\n")


@situation(
    "events",
    "Server-sent events, closed by the page",
    script="""
      const source = new EventSource('/events');
      return new Promise((resolve) => {
        source.addEventListener('last', () => { source.close(); resolve('three'); });
      });""",
)
def events(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
    answer.raw(b"Transfer-Encoding: chunked\r\n\r\n")
    for event in (
        b"data: one\n\n",
        b": a comment\nid: 2\ndata: two\n\n",
        b"event: last\ndata: 3\n\n",
    ):
        answer.raw(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        answer.pause(0.05)
    # Until the page leaves: a stream of events has no end of its own.
    while answer.pause(0.1):
        answer.raw(b"3\r\n:\n\n\r\n")


@situation(
    "beacon",
    "A beacon, and one when a frame is left",
    script="""
      navigator.sendBeacon('/beacon/now', 'x=1');
      const made = await frame('/beacon/page');
      made.remove();
      await wait(100);
      return 'sent';""",
)
def beacon(ask: Ask, answer: Answer) -> None:
    if ask.path.endswith("/page"):
        answer.send(200, [_HTML], _LEAVING)
    else:
        answer.send(204)


_LEAVING = b"""\
<!doctype html><script>
addEventListener('pagehide', () => navigator.sendBeacon('/beacon/left', new Blob(['left'])));
</script>
"""


@situation(
    "local",
    "blob:, data: and a response from a cache: nothing on the wire",
    script="""
      const made = URL.createObjectURL(new Blob(['<p>blob</p>'], {type: 'text/html'}));
      await frame(made);
      await fetch(made).then((response) => response.text());
      await fetch('data:text/plain;base64,aGVsbG8=').then((response) => response.text());
      const cache = await caches.open('hostile');
      await cache.add('/local/cached');
      return (await (await cache.match('/local/cached')).text()).trim();""",
    html='<img alt="" src="data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=">'
    '<iframe srcdoc="<p>of the page itself</p>"></iframe>',
)
def local(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN], b"cached\n")


@at("/script.js")
def script(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_SCRIPT], b"/* a script */\n")
