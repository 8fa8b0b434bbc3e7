"""Time authorities as the log's setting `authorities` has them: a name, a URL, roots, a policy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cryptography import x509

from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from holdfast.core.canonical import Json

SETTING = "authorities"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*)){1,30}")


@dataclass(frozen=True)
class Authority:
    """A time authority, and what its stamps are held to."""

    name: str
    """Names its files: lower-case letters, digits, - and _."""
    url: str
    roots: tuple[str, ...]
    """Certificates, PEM; a stamp's chain must end in one of them."""
    policy: str | None = None
    """The object identifier that its stamps must be made under; None for any."""
    crls: tuple[str, ...] = ()
    """Addresses of lists of revoked certificates, which are kept with its stamps."""

    def as_json(self) -> dict[str, Json]:
        """Return it as the log keeps it."""
        crls: dict[str, Json] = {"crls": list(self.crls)} if self.crls else {}
        return {
            **crls,
            "name": self.name,
            "policy": self.policy,
            "roots": list(self.roots),
            "url": self.url,
        }

    @classmethod
    def parse(cls, value: Any) -> Authority:
        """Read one as the log keeps it, or as a person wrote it.

        Raises:
            InputError: what can't be one, and why.
        """
        try:
            name, url, roots, policy = value["name"], value["url"], value["roots"], None
            policy = value.get("policy")
            crls = tuple(value.get("crls", ()))
            texts = [name, url, *roots, *crls, *([] if policy is None else [policy])]
            if not all(type(one) is str for one in texts):
                raise TypeError
        except (KeyError, TypeError, AttributeError):
            raise InputError(
                "a time authority needs a name, a url and roots",
                "see `holdfast log authorities --help`",
            ) from None
        _check(name, url, policy)
        for one in crls:
            check_url(one)
        if not roots:
            raise InputError(f"the authority {name} has no root", "name its root certificate")
        return cls(name, url, tuple(_root(name, one) for one in roots), policy, crls)


def parse(value: Any) -> tuple[Authority, ...]:
    """Read the whole setting; none where it was never made.

    Raises:
        InputError: what can't be one, or two of one name.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InputError("the log's time authorities are no list")
    found = tuple(Authority.parse(one) for one in value)
    names = [one.name for one in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"two time authorities are named {twice}", "give each its own name")
    return found


def _check(name: str, url: str, policy: str | None) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} can't name a time authority",
            "use up to 32 lower-case letters, digits, - and _",
        )
    if policy is not None and not _OID.fullmatch(policy):
        raise InputError(f"{policy!r} is no policy's object identifier", "write it as 1.2.3.4")
    check_url(url)


def check_url(url: str) -> None:
    """Refuse an address that no request may be sent to.

    Raises:
        InputError: not http or https, no host, or with a password in it, which the log would show.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1) > 0
    except ValueError:
        good, parts = False, urlsplit("")
    if not good or not url.isascii() or not url.isprintable() or " " in url:
        raise InputError(f"{url[:200]!r} is no address of a server", "give http://… or https://…")
    if parts.username is not None or parts.password is not None:
        raise InputError("an address with a name or password in it would stand in the log")


def _root(name: str, pem: str) -> str:
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        found = []
    if len(found) != 1:
        raise InputError(f"a root of {name} is not one certificate in PEM", "give it as it came")
    return pem
