"""An Ed25519 key on a PKCS#11 token: it signs there, and never leaves it.

Named by a URI (RFC 7512): `pkcs11:token=unit7;object=alice?module-path=/usr/lib/x.so`. Of its
attributes `token`, `object` and `module-path` are read; the PIN is asked for like a passphrase.
Needs the extra holdfast[hsm].
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from holdfast.core.errors import DeniedError, InputError, ResourceError

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEME = "pkcs11:"
_KNOWN = {"token", "object", "module-path"}
_POINT = b"\x04\x20"
"""DER of an OCTET STRING of 32 bytes: PKCS#11 3.0, "Elliptic curve public key objects"."""

_OPEN: dict[tuple[str, str], Any] = {}
"""Sessions with tokens, by module and label: a process logs in once."""


class TokenKey(Ed25519PrivateKey):
    """A private key that can sign and not be read."""

    def __init__(self, key: Any, public: bytes, mechanism: Any) -> None:
        self._key = key
        self._public = public
        self._mechanism = mechanism

    def sign(self, data: Any) -> bytes:
        """Return the signature, 64 bytes, that the token made."""
        return bytes(self._key.sign(bytes(data), mechanism=self._mechanism))

    def public_key(self) -> Ed25519PublicKey:
        """Return the public half."""
        return Ed25519PublicKey.from_public_bytes(self._public)

    def private_bytes(self, *_args: Any, **_kw: Any) -> NoReturn:
        """Refuse: the key stays on its token."""
        raise TypeError("a key on a token can't be read")

    def private_bytes_raw(self) -> NoReturn:
        """Refuse: the key stays on its token."""
        raise TypeError("a key on a token can't be read")

    def __copy__(self) -> TokenKey:
        """Return the very same: there is one key, on the token."""
        return self

    def __deepcopy__(self, _memo: object) -> TokenKey:
        """Return the very same: there is one key, on the token."""
        return self


def parts(uri: str) -> dict[str, str]:
    """Return what a URI says of `token`, `object` and `module-path`.

    Raises:
        InputError: one is missing, or it says something else.
    """
    path, _, query = uri.removeprefix(SCHEME).strip().partition("?")
    pairs = [one.partition("=") for one in (*path.split(";"), *query.split("&")) if one]
    said = {name: unquote(value) for name, _, value in pairs}
    if set(said) != _KNOWN or not all(said.values()):
        raise InputError(
            f"{uri!r} names no key on a token",
            "give pkcs11:token=NAME;object=LABEL?module-path=/path/to/module.so, and no more",
        )
    return said


def load(uri: str, pin: Callable[[], bytes]) -> TokenKey:
    """Return the key that a URI names.

    Raises:
        InputError: the URI, the module, the token or the key isn't there or is of another kind.
        DeniedError: the PIN is wrong.
        ResourceError: the extra that reads tokens isn't installed, or the token fails.
    """
    said = parts(uri)
    try:
        import pkcs11  # noqa: PLC0415 - an extra
        from pkcs11 import exceptions  # noqa: PLC0415
    except ImportError:
        raise ResourceError(
            "keys on a token need a library that is not installed", "install holdfast[hsm]"
        ) from None
    what = f"the key {said['object']!r} on token {said['token']!r}"
    try:
        session = _session(pkcs11, said["module-path"], said["token"], pin)
        find = {"key_type": pkcs11.KeyType.EC_EDWARDS, "label": said["object"]}
        public = session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, **find)
        private = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, **find)
        point = bytes(public[pkcs11.Attribute.EC_POINT])
    except (exceptions.PinIncorrect, exceptions.PinLenRange, exceptions.PinInvalid):
        raise DeniedError(f"the PIN does not open {what}", "repeat with the right one") from None
    except (exceptions.NoSuchToken, exceptions.NoSuchKey, exceptions.MultipleObjectsReturned):
        raise InputError(f"{what} is not there, or not once", "see `pkcs11-tool -O`") from None
    except (exceptions.PKCS11Error, RuntimeError, OSError) as error:
        raise ResourceError(
            f"{what} can't be used: {type(error).__name__} {error}".rstrip(),
            "see that the module and the token work: `pkcs11-tool -L`",
        ) from None
    point = point.removeprefix(_POINT) if len(point) == 34 else point
    if len(point) != 32:
        raise InputError(f"{what} is no Ed25519 key", "make one of type EC:edwards25519")
    return TokenKey(private, point, pkcs11.Mechanism.EDDSA)


def _session(pkcs11: Any, module: str, label: str, pin: Callable[[], bytes]) -> Any:
    if (module, label) not in _OPEN:
        token = pkcs11.lib(module).get_token(token_label=label)
        _OPEN[module, label] = token.open(user_pin=pin().decode())
    return _OPEN[module, label]
