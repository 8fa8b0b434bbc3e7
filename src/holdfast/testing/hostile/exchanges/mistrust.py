"""Certificates that are not as they should be, and content that is not encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.testing.hostile.situation import situation

if TYPE_CHECKING:
    from holdfast.testing.hostile.situation import Answer, Ask

_PLAIN = (b"Content-Type", b"text/plain")
_ALLOWED = (b"Access-Control-Allow-Origin", b"*")


def _answer(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN, _ALLOWED], b"you should not have come here\n")


for _name, _what in (
    ("wrong-name", "A certificate for another name"),
    ("expired", "A certificate that has expired"),
    ("self-signed", "A certificate that vouches for itself"),
    ("untrusted", "A certificate of an authority that nobody knows"),
):
    situation(
        _name,
        _what,
        script=f"return get({_name.upper().replace('-', '_')} + '/{_name}')",
        html=f'<img alt="" src="{{{_name.upper().replace("-", "_")}}}/{_name}?image">',
    )(_answer)


@situation(
    "mixed",
    "Plain HTTP asked for by an encrypted page",
    script="return get(PLAIN + '/mixed')",
    html='<img alt="" src="{PLAIN}/mixed?image">',
)
def mixed(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN, _ALLOWED], b"in the clear\n")


@situation(
    "plain",
    "A page in the clear",
    script="return get('/plain')",
    host="plain.test",
)
def plain(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN], b"in the clear\n")
