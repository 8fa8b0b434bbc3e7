"""Answers that break off, lie about their length, or are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.testing.hostile.situation import RawAnswer, situation

if TYPE_CHECKING:
    from holdfast.testing.hostile.situation import Answer, Ask

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


@situation("too-long", "A length longer than the body", script="return get('/too-long')")
def too_long(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.raw(_OK + b"Content-Length: 100\r\n\r\nonly this came\n")
    answer.close()


@situation("too-short", "A length shorter than the body", script="return get('/too-short')")
def too_short(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.raw(_OK + b"Content-Length: 5\r\n\r\nshortand something after it\n")
    answer.close()


@situation("early-close", "Closed in the middle of the head", script="return get('/early-close')")
def early_close(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.raw(b"HTTP/1.1 200 OK\r\nContent-Ty")
    answer.close()


@situation("no-answer", "Closed without a byte", script="return get('/no-answer')")
def no_answer(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.close()


@situation("cut-chunk", "Closed in the middle of a chunk", script="return get('/cut-chunk')")
def cut_chunk(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.raw(_OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n20\r\nhalf of it")
    answer.close()


@situation("bad-chunk", "A chunk whose size is none", script="return get('/bad-chunk')")
def bad_chunk(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.raw(_OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\nxyz\r\nwhat?\r\n0\r\n\r\n")
    answer.close()


@situation("reset", "A reset in the middle of the body", script="return get('/reset')")
def reset(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.raw(_OK + b"Content-Length: 1000\r\n\r\nup to here\n")
    answer.pause(0.3)
    answer.reset()


@situation("garbage", "An answer that is no HTTP", script="return get('/garbage')")
def garbage(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.raw(b"\x00\x01\x02 this is not HTTP \xff\xfe\r\n\r\n")
    answer.close()


@situation("slow-drip", "One byte after another", script="return get('/slow-drip')")
def slow_drip(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    whole = _OK + b"Content-Length: 8\r\n\r\ndripped\n"
    for place in range(len(whole)):
        answer.raw(whole[place : place + 1])
        if not answer.pause(0.01):
            return


@situation(
    "given-up",
    "A body that the page stops reading",
    script="""
      const stop = new AbortController();
      const response = await fetch('/given-up', {signal: stop.signal, cache: 'no-store'});
      await response.body.getReader().read();
      stop.abort();
      return 'stopped';""",
)
def given_up(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.raw(_OK + b"Content-Length: 1000000\r\n\r\n" + b"a" * 5000)
    while answer.pause(0.05):
        answer.raw(b"a" * 10)
