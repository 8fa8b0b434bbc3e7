"""Have the browser trust certificate authorities that the operator names, and no other change.

Chromium on Linux reads a user's own authorities from an NSS database in the home folder, which
only NSS's `certutil` writes. A certificate that is wrong otherwise (expired, another host's) stays
wrong.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError, ResourceError

if TYPE_CHECKING:
    import pwd
    from pathlib import Path


def read(path: Path) -> tuple[str, ...]:
    """Return the certificates, each in PEM, of a file.

    Raises:
        InputError: it can't be read, or holds none.
    """
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        raise InputError(
            f"{path} holds no certificates in PEM", "name the authority's root certificate"
        ) from None
    return tuple(one.public_bytes(Encoding.PEM).decode() for one in found)


def fingerprint(pem: str) -> str:
    """Return the SHA-256 of a certificate's DER."""
    found = x509.load_pem_x509_certificate(pem.encode())
    return sha256_hex(found.public_bytes(Encoding.DER))


def install(home: Path, roots: tuple[str, ...], owner: pwd.struct_passwd | None) -> None:
    """Write the database below `home`.

    Raises:
        ResourceError: NSS's tools are missing, or refuse.
    """
    if not roots:
        return
    tool = shutil.which("certutil")
    if tool is None:
        raise ResourceError(
            "to trust another authority needs NSS's certutil, which is not on this machine",
            "install it: sudo apt-get install libnss3-tools",
        )
    base = home / ".pki" / "nssdb"
    base.mkdir(mode=0o700, parents=True)
    database = f"sql:{base}"
    _run([tool, "-d", database, "-N", "--empty-password"])
    for number, pem in enumerate(roots):
        name = f"holdfast-{number}"
        _run([tool, "-d", database, "-A", "-n", name, "-t", "C,,"], pem)
    if owner is not None:
        for path in (home / ".pki", base, *base.iterdir()):
            os.chown(path, owner.pw_uid, owner.pw_gid)


def _run(command: list[str], given: str = "") -> None:
    done = subprocess.run(command, input=given.encode(), capture_output=True, check=False)
    if done.returncode != 0:
        why = done.stderr.decode("utf-8", "replace").strip()[:200]
        raise ResourceError(f"certutil refuses an authority: {why}", "check the certificate")
