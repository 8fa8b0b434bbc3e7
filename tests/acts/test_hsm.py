"""Keys on a PKCS#11 token: a real SoftHSM, by its own tools."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.core.errors import DeniedError, InputError, ResourceError
from holdfast.vault import hsm, private

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.line import Line

pkcs11 = pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed")
MODULES = sorted(Path("/usr").glob("lib*/**/libsofthsm2.so"))
PIN = "271828"
pytestmark = pytest.mark.skipif(
    not MODULES or shutil.which("softhsm2-util") is None,
    reason="no SoftHSM here: sudo apt-get install softhsm2",
)


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A token `unit7` with the keys `alice` and `log`, and one of another kind."""
    place = tmp_path_factory.mktemp("softhsm")
    (place / "tokens").mkdir()
    (place / "conf").write_text(f"directories.tokendir = {place / 'tokens'}\nlog.level = ERROR\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(place / "conf"))
        subprocess.run(
            f"softhsm2-util --init-token --free --label unit7 --so-pin 314159 --pin {PIN}".split(),
            check=True,
            capture_output=True,
        )
        path = str(MODULES[0])
        found = pkcs11.lib(path).get_token(token_label="unit7")  # noqa: S106 - a name
        with found.open(rw=True, user_pin=PIN) as session:
            for label in ("alice", "log"):
                curve = pkcs11.util.ec.encode_named_curve_parameters("1.3.101.112")
                session.create_domain_parameters(
                    pkcs11.KeyType.EC_EDWARDS, {pkcs11.Attribute.EC_PARAMS: curve}, local=True
                ).generate_keypair(
                    mechanism=pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN, store=True, label=label
                )
        yield path
        log_out()


@pytest.fixture
def pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "pin").write_text(f"{PIN}\n")
    for variable in (private.OPERATOR, private.LOG):
        monkeypatch.setenv(variable, str(tmp_path / "pin"))
    private.passphrase.cache_clear()
    log_out()
    yield
    private.passphrase.cache_clear()


def log_out() -> None:
    while hsm._OPEN:
        hsm._OPEN.popitem()[1].close()


def uri(module: str, label: str, name: str = "unit7") -> str:
    return f"pkcs11:token={name};object={label}?module-path={module}"


def test_an_operator_signs_with_a_token(line: Line, module: str, pin: None) -> None:
    key = uri(module, "alice")
    vkey = line.must("operator", "vkey", "--operator", "carol", "--key", key).out.strip()
    line.must("operator", "add", "carol", "--public", vkey)
    line.must("case", "role", "carol", "--case", line.case, "--add", "lead")
    line.must("case", "close", line.case, "--operator", "carol", "--key", key)
    (closed,) = line.entries("case.close")
    assert closed["signed"]
    assert closed["actor"]["key"] == vkey.split("+")[1]
    line.intact()


def test_a_keyring_may_name_a_token(line: Line, module: str, pin: None) -> None:
    """The file has the URI; so may `log.key`."""
    key = uri(module, "alice")
    vkey = line.must("operator", "vkey", "--operator", "carol", "--key", key).out.strip()
    line.must("operator", "add", "carol", "--public", vkey)
    line.must("case", "role", "carol", "--case", line.case, "--add", "lead")
    file = line.vault / "keys" / "operators" / "carol.key"
    file.write_text(key + "\n")
    file.chmod(0o600)
    line.must("case", "close", line.case, "--operator", "carol")
    assert line.entries("case.close")[0]["signed"]


def test_a_log_signs_with_a_token(tmp_path: Path, module: str, pin: None) -> None:
    from holdfast.vault.eras import OneKey  # noqa: PLC0415
    from holdfast.vault.keys import Keyring  # noqa: PLC0415
    from holdfast.vault.log import Log  # noqa: PLC0415
    from holdfast.vault.note import Signer  # noqa: PLC0415

    keyring = Keyring(tmp_path / "keys")
    keyring.create("unit7.example/log")
    (keyring.root / "log.key").write_text(uri(module, "log"))
    verifier = Signer("unit7.example/log", private.load(uri(module, "log"))).verifier
    signer = keyring.log_signer(verifier)
    assert signer is not None
    log = Log(tmp_path / "vault", OneKey(signer.verifier, signer))
    log.create()
    assert log.head().size == 0, "its signature is checked"
    with pytest.raises(TypeError, match="can't be read"):
        signer.private.private_bytes_raw()


def test_what_is_wrong_with_a_token_is_told(
    tmp_path: Path, module: str, pin: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, wanted, error in (
        (uri(module, "nobody"), "is not there", InputError),
        (uri(module, "alice", "unit8"), "is not there", InputError),
        (uri("/nowhere.so", "alice"), "can't be used", ResourceError),
        ("pkcs11:object=alice", "names no key", InputError),
        (uri(module, "alice") + "&pin-value=1", "names no key", InputError),
    ):
        with pytest.raises(error, match=wanted):
            private.load(name)
    (tmp_path / "pin").write_text("0000")
    private.passphrase.cache_clear()
    log_out()
    with pytest.raises(DeniedError, match="the PIN does not open") as told:
        private.load(uri(module, "alice"))
    assert "0000" not in str(told.value)
