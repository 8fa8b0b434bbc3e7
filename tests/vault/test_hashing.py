"""A hashing process that dies never passes for one that found nothing wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from holdfast.core.errors import ResourceError
from holdfast.vault.hashing import Hashing

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("which", [0, 1])
def test_a_killed_process_is_told_and_is_the_machines_fault(tmp_path: Path, which: int) -> None:
    for number in range(256):
        folder = tmp_path / f"{number:02x}"
        folder.mkdir()
        (folder / "large").write_bytes(bytes(1 << 20))
    with Hashing(str(tmp_path), 2) as hashing:
        hashing._processes[which].kill()
        with pytest.raises(ResourceError, match=r"has ended \(status -9\); not every object"):
            hashing.problems(lambda _done: None)
