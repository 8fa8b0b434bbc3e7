"""Promise 8: every decoding of evidence runs with no network and with limits.

The escapes are tried from inside a parser, in a worker started as in production.
"""

from __future__ import annotations

import dataclasses
import platform
import socket
import struct
from typing import TYPE_CHECKING

import pytest

from holdfast.examine.limits import Limits
from holdfast.examine.run import Died, Started
from holdfast.examine.timeline import records
from holdfast.sandbox import _seccomp
from holdfast.sandbox.confine import Protection
from tests.examine.conftest import QUICK

if TYPE_CHECKING:
    from pathlib import Path

    from tests.examine.conftest import Bench


@pytest.fixture
def escape(bench: Bench, tmp_path: Path) -> dict[str, tuple[bool, str]]:
    other = tmp_path / "another-case"
    other.mkdir()
    secret = other / "secret"
    secret.write_bytes(b"secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        item = bench.item(f"ESCAPE {secret} {other} {port}".encode())
        bench.examine(item)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert secret.read_bytes() == b"secret"
    assert [path.name for path in other.iterdir()] == ["secret"]
    found = records(bench.derived, [item.item], kind="toy.try")
    return {str(row["name"]): (bool(row["worked"]), str(row["message"])) for row in found}


def test_nothing_outside_can_be_reached(escape: dict[str, tuple[bool, str]]) -> None:
    worked = {name for name, (worked, _) in escape.items() if worked}
    assert worked == {name for name in escape if name.startswith("allowed: ")}, escape
    assert len(escape) == 27


def test_a_refusal_is_the_sandbox_s_and_no_accident(escape: dict[str, tuple[bool, str]]) -> None:
    reasons = {name: text for name, (worked, text) in escape.items() if not worked}
    accidents = {n: t for n, t in reasons.items() if "PermissionError" not in t}
    assert accidents.keys() == {"write the evidence", "link outside in"}, accidents
    assert "Bad file descriptor" in accidents["write the evidence"]  # it was opened to read
    assert "Invalid cross-device link" in accidents["link outside in"]  # EXDEV: Landlock's answer


def test_an_examination_says_at_its_start_what_protects_it(bench: Bench) -> None:
    bench.examine(bench.item(b"LINES\n"))
    started = bench.events[0]
    assert isinstance(started, Started)
    protection = started.protection
    assert protection.network_namespace
    assert protection.landlock >= 6
    assert protection.seccomp
    assert protection.capabilities_dropped
    assert protection.missing() == ()


def test_what_the_kernel_does_not_offer_is_said_plainly() -> None:
    bare = Protection(
        network_namespace=False, landlock=0, seccomp=False, capabilities_dropped=False, memory=1
    )
    assert len(bare.missing()) == 5
    assert any("network is reachable" in words for words in bare.missing())


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        ("memory", "MemoryError"),
        ("fill", "OSError"),
        ("spin", "time limit of 2 seconds"),
        ("hang", "time limit of 2 seconds"),
    ],
)
def test_memory_output_and_time_have_limits(bench: Bench, harm: str, reason: str) -> None:
    item = bench.item(f"LINES\n!{harm}\n".encode())
    limits = QUICK if "time" in reason else dataclasses.replace(QUICK, seconds=60, cpu_seconds=60)
    assert bench.examine(item, limits=limits).failures == 1
    (failure,) = records(bench.derived, [item.item], kind="failure")
    assert failure["reason"] == reason


def test_processor_time_is_limited_by_the_kernel(bench: Bench) -> None:
    bench.examine(bench.item(b"LINES\n!spin\n"), limits=Limits(seconds=60, cpu_seconds=1))
    (death,) = [event for event in bench.events if isinstance(event, Died)]
    assert death.reason == "processor time limit"


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_jump_of_the_filter_lands_inside_it(machine: str) -> None:
    program = _seccomp.program(machine, 1)
    operations = list(struct.iter_unpack("=HBBI", program))
    assert len(operations) < 4096  # BPF_MAXINSNS
    for at, (code, yes, no, _) in enumerate(operations):
        if code & 7 == 5:  # BPF_JMP
            assert at + 1 + max(yes, no) < len(operations)
    assert operations[-1][0] == 6


@pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of this machine")
def test_system_call_numbers_are_the_kernel_s() -> None:
    header = pytest.importorskip("pathlib").Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not header.exists():
        pytest.skip("no kernel headers")
    lines = (line.split() for line in header.read_text().splitlines() if "__NR_" in line)
    numbers = {words[1][5:]: int(words[2]) for words in lines if len(words) == 3}
    wrong = {
        name: ours
        for name, (ours, _) in {**_seccomp._DENIED, **_seccomp._SELF_ONLY}.items()
        if name in numbers and numbers[name] != ours
    }
    assert wrong == {}
