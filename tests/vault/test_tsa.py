"""The client: one exchange with an authority that may do anything."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from holdfast.core.errors import InputError, RemoteError
from holdfast.testing.authority import Authority, Mood
from holdfast.vault import token, tsa

if TYPE_CHECKING:
    from collections.abc import Iterator

QUERY = token.request(token.digest_of(b"x"), "sha256", 7, None)


@pytest.fixture
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with Authority.made(tmp_path_factory.mktemp("tsa")).serving() as one:
        yield one


def test_an_answer_comes_as_it_is(authority: Authority) -> None:
    answer = tsa.ask(authority.url, QUERY)
    assert answer == (authority.folder / "answer").read_bytes()
    authority.mood = Mood.GARBAGE
    assert tsa.ask(authority.url, QUERY) == b"this is no stamp"


@pytest.mark.parametrize(
    ("mood", "why"),
    [
        (Mood.AWAY, "HTTP 503"),
        (Mood.SLOW, "no answer in 0.3 s"),
        (Mood.DRIPPING, "no answer in 0.3 s"),
        (Mood.HUGE, "more than 262144 bytes"),
        (Mood.ELSEWHERE, "HTTP 302"),
    ],
)
def test_what_is_no_answer_is_the_others_fault(authority: Authority, mood: Mood, why: str) -> None:
    authority.mood = mood
    with pytest.raises(RemoteError, match=why):
        tsa.ask(authority.url, QUERY, timeout=0.3)
    assert authority.asked == 1


def test_an_exchange_ends_though_bytes_keep_coming(authority: Authority) -> None:
    """A socket's own time-out would begin anew with each byte, and this one never stops."""
    authority.mood = Mood.DRIPPING
    begun = time.monotonic()
    with pytest.raises(RemoteError):
        tsa.ask(authority.url, QUERY, timeout=0.5)
    # Generous, for a busy machine; without the limit this test would never end.
    assert time.monotonic() - begun < 60


def test_another_kind_of_answer_is_none(authority: Authority) -> None:
    """RFC 3161 section 3.4: the answer is `application/timestamp-reply`."""
    authority.content_type = "text/html"
    with pytest.raises(RemoteError, match="text/html"):
        tsa.ask(authority.url, QUERY)


def test_nobody_there(authority: Authority) -> None:
    url = authority.url
    with Authority(authority.folder).serving() as other:
        gone = other.url
    assert gone != url
    with pytest.raises(RemoteError, match="refused"):
        tsa.ask(gone, QUERY)
    with pytest.raises(RemoteError, match="can't be asked"):
        tsa.ask("http://no-such-host.invalid/", QUERY)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://tsa.example/",
        "data:text/plain,x",
        "tsa.example",
        "http://",
        "http://user:secret@tsa.example/",
        "http://user@tsa.example/",
        "https://tsa.example/a b",
        "https://tsa.example:99999/",
        "https://tsa.example/\x00",
        "",
    ],
)
def test_only_http_and_https_without_secrets(url: str) -> None:
    with pytest.raises(InputError) as told:
        tsa.ask(url, QUERY)
    assert "secret" not in str(told.value)
