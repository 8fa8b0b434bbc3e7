"""Promise 6: nothing is lost in silence; seen = parsed + unsupported + failed."""

from __future__ import annotations

import dataclasses
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core import canonical
from holdfast.core.errors import IntegrityError
from holdfast.examine import results
from holdfast.examine.ledger import LedgerLine, ledger
from tests.examine.conftest import Bench, box


def lines(bench: Bench, *items: str) -> dict[tuple[str, str], LedgerLine]:
    return {(line.item, line.module): line for line in ledger(bench.derived, items)}


def test_every_file_is_somewhere(bench: Bench) -> None:
    item = bench.item(
        box(
            [
                ("good", b"LINES\n1 x\n!failure\n"),
                ("bad", b"LINES\n!raise\n"),
                ("dead", b"LINES\n!segfault\n"),
                ("match", b"BADMATCH"),
                ("odd", b"\x00\x01"),
                ("text", b"only text"),
                ("t.torn", b"12345"),
            ]
        )
    )
    bench.examine(item)
    found = lines(bench, item.item)
    whole = found[item.item, ""]
    assert (whole.seen, whole.parsed, whole.unsupported, whole.failed) == (8, 2, 2, 4)
    assert whole.unsupported_types == {"application/octet-stream": 1, "text/plain": 1}
    assert whole.reasons == {
        "EOFError": 1, "KeyError": 1, "ValueError": 1, "the worker died of SIGSEGV": 1,
    }  # fmt: skip
    assert (whole.records, whole.failures, whole.inner_failures) == (1, 5, 1)
    assert whole.state == "examined"
    parser = found[item.item, "parser:toy_lines"]
    assert (parser.seen, parser.parsed, parser.unsupported, parser.failed) == (8, 1, 4, 3)
    finder = found[item.item, "finder:toy_words"]
    assert (finder.seen, finder.parsed, finder.unsupported, finder.failed) == (8, 8, 0, 0)


def test_a_container_that_only_opened_halfway_is_failed(bench: Bench) -> None:
    item = bench.item(box([("a", b"LINES\n1 x\n")], tail=b"!raise\n"))
    bench.examine(item)
    whole = lines(bench, item.item)[item.item, ""]
    assert (whole.seen, whole.parsed, whole.failed) == (2, 1, 1)


def test_an_opener_does_not_make_up_for_a_parser_that_failed(bench: Bench) -> None:
    item = bench.item(box([("!both", b"LINES\n1 x\n")]))
    bench.examine(item)
    found = lines(bench, item.item)
    assert (found[item.item, ""].parsed, found[item.item, ""].failed) == (1, 1)


def test_a_finder_s_failure_is_listed(bench: Bench) -> None:
    item = bench.item(b"NOFIND")
    bench.examine(item)
    found = lines(bench, item.item)
    assert found[item.item, "finder:toy_words"].reasons == {"RuntimeError": 1}
    assert found[item.item, ""].reasons == {"RuntimeError": 1}
    assert found[item.item, ""].unsupported == 1


def test_an_item_never_examined_is_visible(bench: Bench) -> None:
    line = lines(bench, "0" * 64)["0" * 64, ""]
    assert (line.state, line.seen, line.not_examined) == ("not examined", 1, 1)


def test_a_line_that_does_not_add_up_is_an_error() -> None:
    line = LedgerLine(item="0" * 64, module="", state="examined", seen=2, parsed=1, failed=1)
    line.check()
    with pytest.raises(IntegrityError, match="3 seen, 2 accounted for"):
        dataclasses.replace(line, seen=3).check()


def test_a_list_of_files_that_lost_one_is_noticed(bench: Bench) -> None:
    item = bench.item(box([("a", b"LINES\n1 x\n")]))
    bench.examine(item)
    now = results.current(bench.derived, item.item)
    assert now is not None
    rows = now.enumeration.facts["rows"]
    assert isinstance(rows, list)
    rows.pop()
    (bench.derived / item.item / "done.json").write_bytes(canonical.dumps(now.to_json()))
    with pytest.raises(IntegrityError):
        lines(bench, item.item)


_CONTENT = st.sampled_from([
    b"LINES\n1 x\n", b"LINES\n!raise\n", b"LINES\n!failure\n", b"BADMATCH", b"text", b"\0",
    b"NOFIND", b"BOX1\n", b"BOX1\n!raise\n", b"",
])  # fmt: skip
_TREE = st.recursive(
    _CONTENT,
    lambda inner: st.lists(st.tuples(st.sampled_from(["a", "b", "a.torn"]), inner), max_size=4).map(
        box
    ),
    max_leaves=12,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_TREE, min_size=1, max_size=8))
def test_the_sum_is_right_for_any_tree(bench: Bench, trees: list[bytes]) -> None:
    shutil.rmtree(bench.derived, ignore_errors=True)
    items = [bench.item(tree) for tree in trees]
    summary = bench.examine(*items)
    wholes = [line for line in ledger(bench.derived, {i.item for i in items}) if not line.module]
    assert sum(line.seen for line in wholes) == summary.files
    assert sum(line.records for line in wholes) == summary.records
    assert sum(line.failures for line in wholes) == summary.failures
    for line in wholes:
        assert line.seen == line.parsed + line.unsupported + line.failed
