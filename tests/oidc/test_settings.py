"""The file that names a provider."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from holdfast.core.errors import DeniedError, HoldfastError, InputError
from holdfast.serving.oidc.provider import Providers
from holdfast.serving.oidc.settings import Settings, origin, read

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {
    "id": '"unit7"',
    "name": '"Directory"',
    "issuer": '"https://login.unit7.example"',
    "client_id": '"holdfast"',
    "client_secret_file": '"secret"',
}


def given(folder: Path, **changed: str | None) -> Settings:
    facts = {**GOOD, **changed}
    text = "\n".join(f"{name} = {value}" for name, value in facts.items() if value is not None)
    path = folder / "unit7.toml"
    return read(path, text.encode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("of a test\n")
    (tmp_path / "secret").chmod(0o600)
    return tmp_path


def test_a_file_names_a_provider_and_its_secret_is_shown_nowhere(folder: Path) -> None:
    found = given(folder, acr='["two"]', also='["https://keys.unit7.example:8443"]')
    assert (found.secret, found.acr, found.loopback) == ("of a test", ("two",), False)
    assert "of a test" not in repr(found)
    assert found.places == {"https://login.unit7.example:443", "https://keys.unit7.example:8443"}
    assert given(folder, client_secret_file=None).secret == ""
    assert given(folder, issuer='"http://127.0.0.1:9"', loopback="true").loopback


BAD: dict[str, tuple[dict[str, str | None], str]] = {
    "no issuer": ({"issuer": None}, "no 'issuer'"),
    "http": ({"issuer": '"http://login.unit7.example"'}, "can't be the issuer"),
    "loopback unasked": ({"issuer": '"http://127.0.0.1:9"'}, "not asked over TLS"),
    "a query": ({"issuer": '"https://a.example/?x"'}, "can't be the issuer"),
    "a name and password": ({"issuer": '"https://a:b@c.example"'}, "can't be the issuer"),
    "another scheme": ({"issuer": '"file:///etc/passwd"'}, "can't be the issuer"),
    "also by http": ({"also": '["http://keys.example"]'}, "can't be the issuer"),
    "also no list": ({"also": '"https://keys.example"'}, "list of texts"),
    "an id with a slash": ({"id": '"../x"'}, "can't be an id"),
    "a word unknown": ({"isuer": '"x"'}, "no setting"),
    "no toml": ({"id": "="}, "no TOML"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_can_not_be_is_refused(folder: Path, what: str) -> None:
    changed, why = BAD[what]
    with pytest.raises(InputError, match=re.escape(why)):
        given(folder, **changed)


def test_a_secret_that_others_can_read_is_refused(folder: Path) -> None:
    (folder / "secret").chmod(0o640)
    with pytest.raises(DeniedError, match="open to other accounts"):
        given(folder)
    (folder / "secret").chmod(0o600)
    (folder / "secret").write_text("")
    with pytest.raises(HoldfastError, match="holds no secret"):
        given(folder)


def test_two_providers_of_one_issuer_are_refused(folder: Path) -> None:
    """Whose answer it is would be nobody's to say."""
    with pytest.raises(InputError, match="one issuer"):
        Providers.of((given(folder), given(folder, id='"other"')))
    assert origin("https://a.example") == origin("https://A.example:443/x?y")
    assert origin("https://a.example:x") == ""
