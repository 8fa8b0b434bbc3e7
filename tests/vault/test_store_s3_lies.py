"""Servers that lie are refused: "A property is claimed only if proven." """

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from holdfast.core.errors import InputError, RemoteError
from holdfast.testing.s3_simulator import LyingServer
from holdfast.testing.store_contract import put, staged
from holdfast.vault.stores._s3_client import S3Address
from holdfast.vault.stores.s3 import S3Store

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.testing.s3_simulator import Lie


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "KEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def made(server: LyingServer, root: Path, more: str = "") -> S3Store:
    store = S3Store(S3Address.parse(f"s3://bucket/x?endpoint={server.endpoint}{more}"), root)
    store.create()
    return store


@pytest.mark.parametrize(
    ("lie", "says"),
    [
        ("overwrites", "If-None-Match is not enforced"),
        ("truncates", "gives back other bytes"),
        ("no ranges", "can't send a part"),
    ],
)
def test_a_server_that_lies_is_refused(lie: Lie, says: str, tmp_path: Path) -> None:
    with LyingServer(lie) as server, pytest.raises(RemoteError, match=says):
        made(server, tmp_path).probe()


def test_a_lock_that_is_only_said_is_refused(tmp_path: Path) -> None:
    """Swift "accepts object-lock headers and does not enforce them"."""
    with LyingServer("no locks") as server, pytest.raises(RemoteError, match="asked to lock"):
        made(server, tmp_path, "&lock=1").probe()
    with LyingServer("no locks") as server:
        assert not made(server, tmp_path).probe().lock


def test_a_server_that_begins_to_overwrite_is_refused_at_the_next_use(tmp_path: Path) -> None:
    with LyingServer("truncates large") as server:
        store = made(server, tmp_path)
        store.probe()
        put(store, "first", b"small")
        server.lie = "overwrites"
        later = made(server, tmp_path)
        intake = later.intake("second")
        digests = staged(intake, b"other")
        with pytest.raises(RemoteError, match="If-None-Match is not enforced"):
            intake.admit(digests)
        intake.leave()
        assert later.abandoned() == [("second", digests)]


def test_what_was_cut_on_its_way_is_not_confirmed(tmp_path: Path) -> None:
    """The probe saw nothing wrong; the object is short: it stays staged, and that is said."""
    with LyingServer("truncates large") as server:
        store = made(server, tmp_path)
        store.probe()
        intake = store.intake("run")
        digests = staged(intake, b"x" * 10_000)
        with pytest.raises(RemoteError, match="has 9999 of the 10000 bytes"):
            intake.admit(digests)
        intake.leave()
        assert store.abandoned() == [("run", digests)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3://",
        "s3://b",
        "s3://BUCKET/x",
        "http://bucket/x",
        "s3://bucket/../x",
        "s3://bucket/x?lock=many",
        "s3://bucket/x?lock=-1",
        "s3://bucket/x?lock=99999999",
        "s3://bucket/x?endpoint=ftp://a",
        "s3://bucket/x?endpoint=http://a:port",
        "s3://bucket/x?unknown=1",
        "s3://bucket/x?lock=1&lock=2",
        "s3://bucket/x#y",
        "s3://bucket/é",
        "s3://bucket/x?endpoint=http://[",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is no S3 address"):
        S3Address.parse(text)


@pytest.mark.parametrize(
    "text", ["s3://key:secret@bucket/x", "s3://bucket/x?endpoint=https://key:secret@host"]
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InputError) as refused:
        S3Address.parse(text)
    assert "secret@" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "s3://bucket/",
        "s3://bucket/unit/7",
        "s3://bucket/x?endpoint=https://s3.unit.example:9000&region=eu-north-1&lock=3650",
    ],
)
def test_an_address_is_kept_as_it_was_given(text: str) -> None:
    assert str(S3Address.parse(text)) == text
    assert S3Address.parse(str(S3Address.parse(text))) == S3Address.parse(text)


def test_credentials_come_from_a_file_that_only_its_owner_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "credentials"
    monkeypatch.setenv("HOLDFAST_S3_CREDENTIALS", str(path))
    with LyingServer("no locks") as server:
        with pytest.raises(InputError, match="holds no S3 credentials"):
            made(server, tmp_path / "1").probe()
        path.write_text("[default]\naws_access_key_id = KEY\naws_secret_access_key = s%cret\n")
        path.chmod(0o644)
        with pytest.raises(InputError, match="is open to others"):
            made(server, tmp_path / "2").probe()
        path.chmod(0o600)
        assert made(server, tmp_path / "3").probe().create


def test_without_credentials_it_says_how_to_give_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And asks no cloud's metadata service for them."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    store = S3Store(S3Address.parse("s3://bucket/x?endpoint=http://127.0.0.1:9"), tmp_path)
    with pytest.raises(InputError, match="AWS_ACCESS_KEY_ID"):
        store.probe()
