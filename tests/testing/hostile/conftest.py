from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from holdfast.testing.hostile.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A hostile site that serves."""
    with Site.made(tmp_path_factory.mktemp("site")).serving() as serving:
        yield serving
