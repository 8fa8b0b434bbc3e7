"""Promise 7, of the web: "an act outside them is refused"."""

from __future__ import annotations

import ipaddress

import pytest

from holdfast.cases.web_scope import Place, WebScope
from holdfast.core.errors import DeniedError, InputError


@pytest.mark.parametrize(
    ("entry", "covered", "outside"),
    [
        (
            "example.org",
            ["http://example.org/", "https://EXAMPLE.org:8443/a?b#c", "https://example.org./"],
            [
                "https://www.example.org/",
                "https://notexample.org/",
                "https://example.org.evil.test/",
                "https://evil.test/example.org",
                "ftp://example.org/",
            ],
        ),
        (
            "*.example.org",
            ["https://www.example.org/", "http://a.b.example.org/"],
            ["https://example.org/", "https://badexample.org/"],
        ),
        (
            "domain:example.org",
            ["https://example.org/", "https://www.example.org/x"],
            ["https://badexample.org/"],
        ),
        (
            "https://example.org/shop",
            [
                "https://example.org/shop",
                "https://example.org/shop/x",
                "https://example.org/%73hop",
            ],
            [
                "http://example.org/shop",
                "https://example.org:444/shop",
                "https://example.org/shopping",
                "https://example.org/shop/../admin",
                "https://example.org/shop/%2e%2e/admin",
                "https://example.org/",
            ],
        ),
        ("127.0.0.1", ["http://127.0.0.1:99/"], ["http://127.0.0.2/", "http://localhost/"]),
        ("127.0.0.1:99", ["http://127.0.0.1:99/x"], ["http://127.0.0.1/"]),
        ("http://127.0.0.1:99/x/", ["http://127.0.0.1:99/x/y"], ["http://127.0.0.1:99/z"]),
        ("[2001:db8::1]:99", ["http://[2001:db8::1]:99/"], ["http://[2001:db8::2]:99/"]),
        ("10.0.0.0/8", ["http://10.1.2.3/"], ["http://11.0.0.1/", "http://example.org/"]),
        ("bücher.example", ["https://xn--bcher-kva.example/", "https://bücher.example/"], []),
    ],
)
def test_what_an_entry_covers(entry: str, covered: list[str], outside: list[str]) -> None:
    scope = WebScope.of("C", [entry])
    for url in covered:
        scope.check(url)
        assert scope.covers(url)
    for url in outside:
        assert not scope.covers(url), url


def test_a_scope_that_names_nothing_of_the_web_allows_none_of_it() -> None:
    scope = WebScope.of("C", ["path:/media", "the seized telephone", "account:bob"])
    with pytest.raises(DeniedError, match="names nothing of the web"):
        scope.check("https://example.org/")


def test_outside_is_denied_and_says_what_is_inside() -> None:
    with pytest.raises(DeniedError, match=r"outside the scope of case C \(example.org\)"):
        WebScope.of("C", ["example.org"]).check("https://example.net/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "file:///etc/passwd",
        "chrome://settings",
        "javascript:alert(1)",
        "https://",
        "https://user:secret@example.org/",
        "https://exa mple.org/",
        "https://example.org\\@evil.test/",
        "https://[::1/",
        "https://example.org:99999/",
    ],
)
def test_what_is_no_address_of_a_page_is_no_matter_of_scope(url: str) -> None:
    with pytest.raises(InputError):
        Place.parse(url)


def test_a_name_never_lets_a_private_address_be_reached() -> None:
    """A name's addresses are chosen by others; only an address that is written out is meant."""
    one = ipaddress.ip_address("127.0.0.1")
    assert not WebScope.of("C", ["example.org", "localhost"]).names_address(one, 80)
    assert WebScope.of("C", ["127.0.0.1"]).names_address(one, 80)
    assert WebScope.of("C", ["127.0.0.0/8:80"]).names_address(one, 80)
    assert not WebScope.of("C", ["127.0.0.1:81"]).names_address(one, 80)
    mapped = ipaddress.ip_address("::ffff:127.0.0.1")
    assert not WebScope.of("C", ["127.0.0.1"]).names_address(mapped, 80)
