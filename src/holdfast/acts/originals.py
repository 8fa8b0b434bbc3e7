"""Open an exhibit's original, decrypting it where the vault is sealed."""

from __future__ import annotations

import hashlib
import tempfile
from typing import TYPE_CHECKING, BinaryIO, cast

from holdfast.core import durable
from holdfast.core.digest import CHUNK
from holdfast.core.errors import IntegrityError
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


def open_file(vault: Vault, exhibit: Exhibit) -> BinaryIO:
    """Return the original's bytes as a file with a descriptor, which another process can read.

    What comes from another machine is hashed on its way into a nameless file.

    Raises:
        IntegrityError: the object is missing, or is not what its name says.
        DeniedError: the case's key is not at hand, or does not open it.
        RemoteError: the store does not answer.
    """
    stored = open_original(vault, exhibit)
    try:
        stored.fileno()
    except OSError:
        pass
    else:
        return stored
    hasher = hashlib.sha256()
    with stored, durable.disk_errors(vault.derived):
        clear = cast("BinaryIO", tempfile.TemporaryFile(dir=vault.derived))  # noqa: SIM115
        while chunk := stored.read(CHUNK):
            hasher.update(chunk)
            clear.write(chunk)
        clear.flush()
    if hasher.hexdigest() != exhibit.item:
        clear.close()
        raise IntegrityError(
            f"the object {exhibit.object} is not what its name says: it was altered after it was "
            "stored",
            "run `holdfast verify`",
        )
    clear.seek(0)
    return clear
