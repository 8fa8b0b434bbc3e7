"""Where a private key is: a PEM file, perhaps with a passphrase, or a hsm.

    /home/alice/alice.key                             PKCS#8 PEM, Ed25519; or a file with the line
    pkcs11:token=unit7;object=alice?module-path=...   RFC 7512; needs the extra holdfast[hsm]

A file that other accounts can read is refused: what others can read proves nobody. A passphrase is
asked on the terminal, or read from the file that a variable names (`/dev/fd/3` is one, too); never
from an argument, which every account of the machine could see.
"""

from __future__ import annotations

import getpass
import os
import stat
import sys
from functools import cache, partial
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import hsm

OPERATOR = "HOLDFAST_PASSPHRASE_FILE"
LOG = "HOLDFAST_LOG_PASSPHRASE_FILE"


def load(path: Path | str, variable: str = OPERATOR, *, shared: bool = False) -> Ed25519PrivateKey:
    """Return the Ed25519 key in a PEM file, or on the token whose URI is given or in the file.

    `variable` may name the file with its passphrase or PIN.

    A `shared` one may belong to another account and be read by its group: a vault's own keys are
    used by every account that works in it.

    Raises:
        FileNotFoundError, PermissionError: it can't be opened.
        DeniedError: other accounts can read it, or the passphrase is wrong or missing.
        InputError: it holds no such key.
    """
    if isinstance(path, str):
        return _on_token(path, variable)
    data = path.read_bytes()
    check_mode(path, shared=shared)
    if data.startswith(hsm.SCHEME.encode()):
        return _on_token(data.decode("utf-8", "replace").strip(), variable)
    password = None
    if b"BEGIN ENCRYPTED PRIVATE KEY" in data:
        password = passphrase(variable, f"Passphrase of {path}: ")
    try:
        key = load_pem_private_key(data, password)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        if password is not None:
            raise DeniedError(
                f"the passphrase does not open {path}", f"repeat with the right one; see {variable}"
            ) from None
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path} holds no Ed25519 private key", "restore it from its backup")
    return key


def _on_token(uri: str, variable: str) -> Ed25519PrivateKey:
    return hsm.load(uri, partial(passphrase, variable, f"PIN of {uri.partition('?')[0]}: "))


def check_mode(path: Path, *, shared: bool) -> None:
    """Raise where accounts that have no business with it can read or write a secret file.

    Raises:
        DeniedError: they can.
    """
    facts = path.stat()
    mode = stat.S_IMODE(facts.st_mode)
    if mode & (0o027 if shared else 0o077):
        raise DeniedError(
            f"the key {path} is open to other accounts (mode {mode:04o})",
            f"chmod {'o-rwx,g-wx' if shared else '600'} it; if others were on this machine, "
            "replace it",
        )
    if not shared and facts.st_uid != os.geteuid():
        raise DeniedError(
            f"the key {path} belongs to another account (uid {facts.st_uid})",
            "a person's key is that person's file; run as the account that owns it",
        )


@cache
def passphrase(variable: str, prompt: str) -> bytes:
    """Return the passphrase from the file that `variable` names, or as typed.

    Raises:
        DeniedError: neither is there.
        InputError: the file can't be read.
    """
    named = os.environ.get(variable)
    if named:
        try:
            return Path(named).read_bytes().rstrip(b"\r\n")
        except OSError as error:
            raise InputError(
                f"{variable} names {named}, which can't be read: {error.strerror}", "name the file"
            ) from None
    if not sys.stdin.isatty():
        raise DeniedError(
            "a key needs its passphrase and there is no terminal to ask on",
            f"put it into a file of mode 600 and name that: {variable}",
        )
    return getpass.getpass(prompt).encode()
