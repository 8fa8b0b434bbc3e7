"""Status codes: interim, odd, and those that have no body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.testing.hostile.situation import RawAnswer, at, situation

if TYPE_CHECKING:
    from holdfast.testing.hostile.situation import Answer, Ask

_PLAIN = (b"Content-Type", b"text/plain")
_DIGITS = b"0123456789" * 10


@situation(
    "early-hints",
    "103 hints, twice, before the page",
    script="await get('/early-hints'); return frame('/early-hints')",
)
def early_hints(_ask: Ask, answer: Answer) -> None:
    answer.interim(103, [(b"Link", b"</hinted.css>; rel=preload; as=style")])
    answer.interim(103, [(b"Link", b"</hinted.js>; rel=preload; as=script")])
    answer.send(200, [(b"Content-Type", b"text/html")], b"<!doctype html><p>hinted</p>\n")


@at("/hinted.css")
@at("/hinted.js")
def hinted(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [(b"Content-Type", b"text/css")], b"/* hinted */\n")


@situation(
    "continue",
    "100 and 102 that nobody asked for",
    script="return get('/continue', {method: 'POST', body: 'go on'})",
)
def go_on(_ask: Ask, answer: Answer) -> None:
    answer.interim(100)
    answer.interim(102, [(b"X-Interim", b"yes")])
    answer.send(200, [_PLAIN], b"continued\n")


@situation("no-content", "204", script="return get('/no-content')")
def no_content(_ask: Ask, answer: Answer) -> None:
    answer.send(204, [(b"X-No", b"content")])


@situation("reset-content", "205", script="return get('/reset-content')")
def reset_content(_ask: Ask, answer: Answer) -> None:
    answer.send(205)


@situation(
    "unknown-status",
    "Statuses that no one has defined",
    script="await get('/unknown-status/299'); return get('/unknown-status/799')",
)
def unknown(ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    code = ask.path.rpartition("/")[2].encode()
    answer.raw(b"HTTP/1.1 " + code + b" Who knows?\r\nContent-Length: 3\r\n\r\n???")


@situation("old", "An HTTP/1.0 answer", script="return get('/old')")
def old(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.raw(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nfrom 1996\n")
    answer.close()


@situation(
    "errors",
    "404, 500 and 401",
    script="""
    await get('/errors/404'); await get('/errors/500'); return get('/errors/401')""",
)
def errors(ask: Ask, answer: Answer) -> None:
    status = int(ask.path.rpartition("/")[2])
    # No WWW-Authenticate: a browser would ask somebody.
    answer.send(status, [_PLAIN], b"no\n")


@situation("head", "HEAD", script="return get('/head', {method: 'HEAD'})")
def head(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN, (b"Content-Length", b"100")], _DIGITS)


@situation(
    "range",
    "Ranges: 206, two in one, and 416",
    script="""
      await get('/range', {headers: {Range: 'bytes=5-9'}});
      await get('/range?two', {headers: {Range: 'bytes=0-1,98-'}});
      return get('/range', {headers: {Range: 'bytes=500-'}});""",
)
def ranges(ask: Ask, answer: Answer) -> None:
    asked = ask.header(b"range") or b""
    if asked == b"bytes=5-9":
        answer.send(206, [_PLAIN, (b"Content-Range", b"bytes 5-9/100")], _DIGITS[5:10])
    elif b"," in asked:
        parts = b"".join(
            b"\r\n--edge\r\nContent-Range: bytes %d-%d/100\r\n\r\n" % (start, end - 1)
            + _DIGITS[start:end]
            for start, end in ((0, 2), (98, 100))
        )
        kind = (b"Content-Type", b"multipart/byteranges; boundary=edge")
        answer.send(206, [kind], parts + b"\r\n--edge--\r\n")
    else:
        answer.send(416, [(b"Content-Range", b"bytes */100")])


@situation(
    "not-modified",
    "304 when asked again",
    script="""
      await fetch('/not-modified').then((response) => response.text());
      await fetch('/not-modified', {cache: 'no-cache'}).then((response) => response.text());
      await fetch('/not-modified', {cache: 'force-cache'}).then((response) => response.text());
      const one = await frame('/not-modified?page');
      return new Promise((resolve) => {
        one.onload = () => resolve('reloaded');
        one.contentWindow.location.reload();
      });""",
)
def not_modified(ask: Ask, answer: Answer) -> None:
    validators = [(b"ETag", b'"v1"'), (b"Cache-Control", b"max-age=600")]
    if ask.header(b"if-none-match") == b'"v1"':
        answer.send(304, validators)
    else:
        answer.send(200, [(b"Content-Type", b"text/html"), *validators], b"<!doctype html>v1\n")
