"""HTTP/2 at its edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.testing.hostile.exchanges.bodies import GZIP, noise
from holdfast.testing.hostile.http2 import H2Answer
from holdfast.testing.hostile.situation import situation

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.testing.hostile.situation import Answer, Ask, Handler

_PLAIN = (b"content-type", b"text/plain")
_ALLOWED = (b"access-control-allow-origin", b"*")


def _h2(name: str, what: str, script: str = "", html: str = "") -> Callable[[Handler], Handler]:
    script = script or f"return get(TWO + '/{name}')"
    return situation(name, what, script=script, html=html, host="two.test")


@_h2("h2-plain", "HTTP/2, as it should be")
def plain(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN, _ALLOWED], b"two\n")


@_h2("h2-hints", "HTTP/2: 103 before the answer")
def hints(_ask: Ask, answer: Answer) -> None:
    answer.interim(103, [(b"link", b"</hinted.css>; rel=preload; as=style")])
    answer.send(200, [_PLAIN, _ALLOWED], b"hinted\n")


@_h2("h2-trailers", "HTTP/2: trailers")
def trailers(_ask: Ask, answer: Answer) -> None:
    answer.head(200, [_PLAIN, _ALLOWED, (b"trailer", b"x-sum")])
    answer.data(b"with trailers\n")
    answer.end([(b"x-sum", b"abc"), (b"x-sum", b"def")])


@_h2("h2-gzip", "HTTP/2: a body in gzip")
def in_gzip(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN, _ALLOWED, (b"content-encoding", b"gzip")], GZIP)


@_h2("h2-duplicates", "HTTP/2: header fields twice, empty, and in Latin-1")
def duplicates(_ask: Ask, answer: Answer) -> None:
    odd = [(b"x-twice", b"first"), (b"x-empty", b""), (b"x-twice", b"second")]
    cookies = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2; SameSite=None; Secure")]
    answer.send(200, [_PLAIN, *odd, _ALLOWED, *cookies, (b"x-latin", b"Ren\xe9")], b"twice\n")


@_h2("h2-huge-header", "HTTP/2: a header that needs CONTINUATION")
def huge_header(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN, _ALLOWED, (b"x-huge", b"h" * 100_000)], b"huge\n")


@_h2(
    "h2-large",
    "HTTP/2: 3 MB, several at once",
    "return Promise.all([1, 2, 3].map((n) => get(TWO + '/h2-large/' + n)))",
)
def large(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN, _ALLOWED], noise(3 << 20))


@_h2("h2-padded", "HTTP/2: padding, and DATA of no bytes")
def padded(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, H2Answer)
    answer.head(200, [_PLAIN, _ALLOWED])
    answer.padded(b"padded ", 100)
    answer.padded(b"", 10)
    answer.padded(b"twice\n", 0)
    answer.end()


@_h2("h2-reset", "HTTP/2: a stream reset in the middle")
def reset(_ask: Ask, answer: Answer) -> None:
    answer.head(200, [_PLAIN, _ALLOWED, (b"content-length", b"100")])
    answer.data(b"up to here\n")
    answer.pause(0.2)
    answer.reset()


@_h2("h2-too-long", "HTTP/2: a length longer than the DATA")
def too_long(_ask: Ask, answer: Answer) -> None:
    answer.head(200, [_PLAIN, _ALLOWED, (b"content-length", b"100")])
    answer.data(b"only this\n")
    answer.end()


@_h2(
    "h2-no-content",
    "HTTP/2: 204 and 304",
    """
    await get(TWO + '/h2-no-content/204'); return get(TWO + '/h2-no-content/304')""",
)
def no_content(ask: Ask, answer: Answer) -> None:
    answer.head(int(ask.path.rpartition("/")[2]), [_ALLOWED])
    answer.end()


@_h2("h2-head", "HTTP/2: HEAD", "return get(TWO + '/h2-head', {method: 'HEAD'})")
def head(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN, _ALLOWED, (b"content-length", b"77")], b"")


@_h2(
    "h2-upload",
    "HTTP/2: 300 kB sent up, after a preflight",
    """return get(TWO + '/h2-upload', {method: 'PUT', headers: {'X-Custom': 'Zo\u00eb'},
        body: new Uint8Array(300000).fill(66)})""",
)
def upload(ask: Ask, answer: Answer) -> None:
    methods = (b"access-control-allow-methods", b"PUT")
    fields = (b"access-control-allow-headers", b"x-custom")
    answer.send(200, [_PLAIN, _ALLOWED, methods, fields], str(len(ask.body)).encode())


@_h2(
    "h2-stream-up",
    "HTTP/2: a body sent up piece by piece, its length not told",
    """const pieces = ['one ', 'two ', 'three'];
      const body = new ReadableStream({async pull(to) {
        await wait(20);
        if (pieces.length) to.enqueue(new TextEncoder().encode(pieces.shift())); else to.close();
      }});
      return get(TWO + '/h2-stream-up', {method: 'POST', body, duplex: 'half'});""",
)
def stream_up(ask: Ask, answer: Answer) -> None:
    fields = (b"access-control-allow-headers", b"*")
    answer.send(200, [_PLAIN, _ALLOWED, fields], b"got " + ask.body)


@_h2(
    "h2-cookies",
    "HTTP/2: a page whose cookies are sent in crumbs",
    "return frame(TWO + '/h2-cookies/page')",
)
def cookies(ask: Ask, answer: Answer) -> None:
    if ask.path.endswith("/page"):
        page = b"""<!doctype html><script>
        for (const name of ['a', 'b', 'c']) {
          document.cookie = name + '=crumb; SameSite=None; Secure; Path=/h2-cookies';
        }
        fetch('/h2-cookies/asked');
        </script>\n"""
        answer.send(200, [(b"content-type", b"text/html")], page)
    else:
        answer.send(200, [_PLAIN], b"got them\n")


@_h2(
    "h2-many",
    "HTTP/2: sixty streams at once",
    """
    return Promise.all(Array.from({length: 60}, (_, i) => get(TWO + '/h2-many/' + i)))""",
)
def many(ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN, _ALLOWED], ask.path.encode())


@_h2(
    "h2-goodbye",
    "HTTP/2: GOAWAY after the answer",
    "late(() => get(TWO + '/h2-goodbye'))",
)
def goodbye(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, H2Answer)
    answer.send(200, [_PLAIN, _ALLOWED], b"the last\n")
    answer.goodbye()
