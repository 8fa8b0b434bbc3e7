"""A store's address, as settings and the log have it, and the store that is there.

Empty: the vault's own folder. `file:///DIR`: another folder. `s3://BUCKET/…`: an S3-compatible
store.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from holdfast.core.errors import InputError
from holdfast.vault.config import NAME, Config
from holdfast.vault.stores._s3_client import S3Address
from holdfast.vault.stores.local import LocalStore
from holdfast.vault.stores.s3 import S3Store

if TYPE_CHECKING:
    from holdfast.vault.store import Store

OWN = ""
"""The address of the folder in the vault itself."""


def normal(given: str, root: Path) -> str:
    """Return what a person gave as a store's address, in the one form in which it is kept.

    A folder that holds a vault or a backup stands for the objects in that.

    Raises:
        InputError: it can be no store.
    """
    if given.startswith("s3:"):
        return str(S3Address.parse(given))
    parts = urlsplit(given) if given.startswith("file:") else None
    if parts is not None and (parts.netloc or parts.query or parts.fragment):
        raise InputError(f"{given[:200]!r} is no folder", "write it as file:///DIR")
    named = given if parts is None else unquote(parts.path)
    # Not Path's own way, which raises on an unknown account.
    folder = Path(os.path.expanduser(named)).absolute()  # noqa: PTH111
    if not given or folder == Path("/"):
        raise InputError("no place is named", "name a folder, or s3://BUCKET/PREFIX?endpoint=…")
    if (folder / "vault" / "objects").is_dir():
        _check_ours(folder, root)
        folder /= "vault"
    folder = folder.resolve()
    own = root.resolve()
    if folder == own / "vault":
        return OWN
    if own in folder.parents or folder == own or folder in own.parents:
        raise InputError(
            f"{folder} and the vault lie in one another", "name a folder beside it, or another disk"
        )
    return f"file://{quote(str(folder))}"


def _check_ours(folder: Path, root: Path) -> None:
    if (folder / NAME).exists() and (
        not (root / NAME).exists() or Config.load(folder).vkey != Config.load(root).vkey
    ):
        raise InputError(f"{folder} holds another vault", "name a folder of this vault's own")


def store_at(address: str, root: Path) -> Store:
    """Return the store at an address; `root` is the vault's folder, where its runs are staged.

    Raises:
        InputError: it is no address.
    """
    if address == OWN:
        return LocalStore(root / "vault")
    if address.startswith("s3:"):
        return S3Store(S3Address.parse(address), root / "vault")
    parts = urlsplit(address)
    if parts.scheme != "file" or not parts.path.startswith("/"):
        raise InputError(f"{address[:200]!r} is no store's address", "restore holdfast.toml")
    return LocalStore(Path(unquote(parts.path)))


def other_at(address: str, root: Path) -> Store:
    """Return a store that is not the vault's own: its runs are staged apart from the vault's.

    Raises:
        InputError: it is no address.
    """
    if address.startswith("s3:"):
        return S3Store(S3Address.parse(address), root / "vault" / "moving")
    store = store_at(address, root)
    assert isinstance(store, LocalStore)  # noqa: S101 - narrows the type for mypy
    # On the same disk as its objects, which get their place by a rename.
    return LocalStore(store.root, store.root / "moving" / "incoming")


def same(left: str, right: str) -> bool:
    """Say whether two addresses are one place, whatever they wish of it."""
    if left.startswith("s3:") and right.startswith("s3:"):
        return S3Address.parse(left).place == S3Address.parse(right).place
    return left == right
