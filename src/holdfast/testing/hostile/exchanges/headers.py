"""Heads that a library would tidy up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.testing.hostile.situation import RawAnswer, situation

if TYPE_CHECKING:
    from holdfast.testing.hostile.situation import Answer, Ask

_TEXT = (b"Content-Type", b"text/plain")


@situation("latin-1", "A header in Latin-1", script="return get('/latin-1')")
def latin_1(_ask: Ask, answer: Answer) -> None:
    answer.send(
        200, [_TEXT, (b"X-Caf\xe9-Owner", b"Ren\xe9"), (b"X-Owner", b"Jos\xe9 \xff")], b"latin\n"
    )


@situation("obs-fold", "A header folded over lines", script="return get('/obs-fold')")
def folded(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.raw(
        b"HTTP/1.1 200 OK\r\nX-Folded: one\r\n  two\r\n\tthree\r\n"
        b"Content-Type: text/plain\r\nContent-Length: 7\r\n\r\nfolded\n"
    )


@situation("duplicates", "Headers twice, in their order", script="return get('/duplicates')")
def duplicates(_ask: Ask, answer: Answer) -> None:
    answer.send(
        200,
        [
            _TEXT,
            (b"X-Twice", b"first"),
            (b"Set-Cookie", b"a=1"),
            (b"x-twice", b"second"),
            (b"Set-Cookie", b"b=2"),
            (b"X-TWICE", b"first"),
        ],
        b"twice\n",
    )


@situation("empty-header", "An empty header, odd spaces", script="return get('/empty-header')")
def empty(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.raw(
        b"HTTP/1.1 200 \r\nX-Empty:\r\nX-Blank:   \r\ncOnTeNt-TyPe:text/plain\r\n"
        b"X-Tab:\tvalue\t \r\nContent-Length:6\r\n\r\nempty\n"
    )


@situation("bare-lf", "Lines that end in LF alone", script="return get('/bare-lf')")
def bare_lf(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.raw(b"HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 3\n\nlf\n")


@situation("huge-header", "A header of 200 kB", script="return get('/huge-header')")
def huge(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_TEXT, (b"X-Huge", b"h" * 200_000)], b"huge\n")


@situation(
    "monster-header", "A header too big for any browser", script="return get('/monster-header')"
)
def monster(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_TEXT, (b"X-Monster", b"m" * 400_000)], b"monster\n")


@situation("two-lengths", "Two lengths that disagree", script="return get('/two-lengths')")
def two_lengths(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 6\r\n\r\nabcdef")
    answer.close()


@situation("nul-header", "A NUL in a header", script="return get('/nul-header')")
def nul(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_TEXT, (b"X-Nul", b"a\0b")], b"nul\n")


@situation("no-colon", "A line of the head that is no header", script="return get('/no-colon')")
def no_colon(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.raw(b"HTTP/1.1 200 OK\r\nno colon here\r\nX-Space : v\r\nContent-Length: 3\r\n\r\nno\n")
