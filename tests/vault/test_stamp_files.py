"""Stamps as files: one answer beside its own request, whoever writes, wherever it stops."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from holdfast.vault.stamp_files import Answer, StampFiles

if TYPE_CHECKING:
    from pathlib import Path


def answer(number: int, size: int = 7) -> Answer:
    return Answer(size, "a", b"text", b"query %d" % number, b"response %d" % number)


def assert_pair(files: StampFiles, size: int = 7) -> None:
    found = files.read(size, "a")
    assert found is not None
    assert found.query is not None
    assert found.query.split()[1] == found.response.split()[1]


def test_of_two_answers_the_first_stays_beside_its_request(tmp_path: Path) -> None:
    files = StampFiles(tmp_path)
    files.keep(answer(1))
    files.keep(answer(2))
    found = files.read(7, "a")
    assert found is not None
    assert (found.query, found.response, found.text) == (b"query 1", b"response 1", b"text")
    with ThreadPoolExecutor(8) as pool:
        for size in range(20):
            list(pool.map(files.keep, [answer(number, size) for number in range(8)]))
            assert_pair(files, size)


@pytest.mark.parametrize("stop", range(12))
def test_wherever_a_writer_dies_the_next_one_leaves_a_pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    files = StampFiles(tmp_path)
    steps = iter(range(100))

    def counted(name: str) -> None:
        real = getattr(os, name)

        def step(*arguments: object, **named: object) -> object:
            if next(steps) == stop:
                raise KeyboardInterrupt
            return real(*arguments, **named)

        patch.setattr(os, name, step)

    with monkeypatch.context() as patch:
        for name in ("link", "fsync", "write"):
            counted(name)
        with suppress(KeyboardInterrupt):
            files.keep(answer(1))
    if files.read(7, "a") is not None:
        assert_pair(files)
    files.keep(answer(2))
    assert_pair(files)


def test_only_whole_names_are_sizes_and_stamps(tmp_path: Path) -> None:
    files = StampFiles(tmp_path)
    assert files.sizes() == []
    assert files.waiting() == []
    files.keep(answer(1))
    for odd in (
        "8",
        "000000000000000x",
        "\u0660" * 16,
        ".0000000000000009",
        "0000000000000007.tmp",
    ):
        (files.root / odd).mkdir()
    (files.folder(7) / ".b.tsr.12.ab").write_bytes(b"cut short")
    assert files.sizes() == [7]
    assert files.names(7) == ["a"]
    assert [(one.size, one.authority) for one in files.every()] == [(7, "a")]
    assert (files.newest("a", 7), files.newest("a", 6), files.newest("b", 7)) == (7, -1, -1)


def test_what_waits_is_one_note_from_the_first_try_on(tmp_path: Path) -> None:
    files = StampFiles(tmp_path)
    files.wait("a", 5, "T1", "away")
    files.wait("a", 9, "T2", "slow")
    (one,) = files.waiting()
    assert (one.size, one.since, one.last, one.tries, one.why) == (5, "T1", "T2", 2, "slow")
    (files.root / "a.waiting").chmod(0o644)
    (files.root / "a.waiting").write_bytes(b"damaged")
    assert "damaged" in files.waiting()[0].why
    files.wait("a", 11, "T3", "away")
    assert files.waiting()[0].since == "T3"
    files.served("a")
    files.served("a")
    assert files.waiting() == []
