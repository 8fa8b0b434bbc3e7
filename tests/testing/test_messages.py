"""The catalogues: as the sources have them, and with a translation of every text."""

from __future__ import annotations

import pytest

from holdfast.testing import messages
from holdfast.testing.messages import Domain


@pytest.mark.parametrize("domain", messages.DOMAINS, ids=lambda one: one.name)
def test_every_catalogue_is_as_the_sources_have_it(domain: Domain) -> None:
    """`./dev messages` would change nothing, and no text lacks a translation in any language."""
    assert domain.texts()
    for code in messages.TRANSLATED:
        assert domain.path(code).read_bytes() == messages.written(domain.renewed(code)), code
        assert domain.lacking(code) == []


def test_a_text_without_a_translation_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    domain = messages.DOMAINS[1]
    texts = [*domain.texts(), ("A new text",), ("%(count)s hen", "%(count)s hens")]
    monkeypatch.setattr(Domain, "texts", lambda _: texts)
    assert domain.lacking("ar") == ["A new text", "%(count)s hen"]


def test_what_stands_in_a_translation_stands_in_the_text() -> None:
    """A placeholder that a translation lacks, or makes up, would be a fault on the page."""
    for domain in messages.DOMAINS:
        for code in messages.TRANSLATED:
            for one in domain.read(code):
                assert list(one.check(domain.read(code))) == [], (code, one.id)
