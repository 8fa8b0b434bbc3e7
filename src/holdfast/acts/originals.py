"""Open an exhibit's original, decrypting it where the vault is sealed."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, BinaryIO, cast

from holdfast.core import durable
from holdfast.vault import copying

if TYPE_CHECKING:
    from holdfast.cases.exhibits import Exhibit
    from holdfast.vault.vault import Vault


def open_original(vault: Vault, exhibit: Exhibit) -> BinaryIO:
    """Return the original's bytes as a seekable file; a decrypted one has no name on disk.

    Raises:
        IntegrityError: the object is missing.
        DeniedError: the case's key is not at hand, or does not open it.
    """
    stored = vault.store.open(exhibit.object)
    if exhibit.wrapped is None:
        return stored
    with stored:
        secret = copying.unwrap(exhibit.wrapped, vault.keyring.identity(exhibit.case))
        with durable.disk_errors(vault.derived):
            clear = cast("BinaryIO", tempfile.TemporaryFile(dir=vault.derived))  # noqa: SIM115
            copying.unseal(stored, clear, secret)
        clear.seek(0)
        return clear
