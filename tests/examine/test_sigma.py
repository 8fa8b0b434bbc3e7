"""Sigma as its specification (2.1.0) has it, and its finder through the whole engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.core import canonical
from holdfast.core.errors import InputError
from holdfast.examine import results, sigma
from holdfast.examine.finders import sigma as finder
from holdfast.examine.finders._sigma_match import Event, compile_tree, literals
from holdfast.examine.ledger import ledger
from holdfast.examine.limits import Limits
from holdfast.examine.records import read
from holdfast.examine.run import examine
from holdfast.testing.event_log import Event as Logged
from holdfast.testing.event_log import event_log

if TYPE_CHECKING:
    from pathlib import Path

    from tests.examine.conftest import Bench

RULE = """
title: Example
id: 00000000-0000-4000-8000-000000000001
status: test
level: high
date: 2026-01-02
modified: 2026-01-03
tags: [attack.execution]
logsource: {{product: windows, {source}}}
detection:
  selection:
    {selection}
  condition: {condition}
"""


def rule(
    selection: str, condition: str = "selection", source: str = "service: security"
) -> dict[str, Any]:
    text = RULE.format(selection=selection, condition=condition, source=source)
    compiled = sigma.compile_rule(text.encode())
    assert compiled is not None
    return compiled


def fits(selection: str, condition: str = "selection", **values: str | tuple[str, ...]) -> bool:
    tree = rule(selection, condition)["tree"]
    event = Event({
        name: value if isinstance(value, tuple) else (value,) for name, value in values.items()
    })  # fmt: skip
    answer = compile_tree(tree, {})(event)
    needed = literals(tree)
    text = "\n".join(one for name in event.values for one in event.low(name))
    # What lets rules be passed over must never pass over one that fits.
    assert not answer or needed is None or any(one in text for one in needed)
    return answer


@pytest.mark.parametrize(
    ("selection", "value", "expected"),
    [
        # "values are handled as case-insensitive strings"
        ("A: Whoami", "WHOAMI", True),
        ("A: whoami", "whoami.exe", False),
        ("A|cased: Whoami", "whoami", False),
        ("A|cased: Whoami", "Whoami", True),
        # "* to replace an unbounded length wildcard, ? to replace a single mandatory character"
        ("A: 'c:*cmd.exe'", "C:\\Windows\\cmd.exe", True),
        ("A: 'a?c'", "abc", True),
        ("A: 'a?c'", "ac", False),
        ("A: 'a*b*c'", "aXbYcZ", False),
        (r"A: 'a\*c'", "a*c", True),
        (r"A: 'a\*c'", "abc", False),
        (r"A: 'a\?c'", "abc", False),
        (r"A: 'c:\x'", "c:\\x", True),
        (r"A: 'a\\*'", "a\\b", True),
        ("A: 'a.c'", "abc", False),
        ("A|contains: 'x y'", "1x y2", True),
        ("A|startswith: ab", "ABc", True),
        ("A|startswith: ab", "cab", False),
        ("A|endswith: '.exe'", "a.EXE", True),
        ("A|endswith: '.exe'", "a.exe ", False),
        # "all: changes the values to be linked with AND"
        ("A|contains|all: [foo, bar]", "bar foo", True),
        ("A|contains|all: [foo, bar]", "foo", False),
        ("A|contains: [foo, bar]", "foo", True),
        ("A|re: '^a[0-9]+$'", "a12", True),
        ("A|re: '^a[0-9]+$'", "A12", False),
        ("A|re|i: '^a[0-9]+$'", "A12", True),
        ("A|re: 'b.d'", "abcde", True),
        ("A|cidr: 192.0.2.0/24", "192.0.2.77", True),
        ("A|cidr: 192.0.2.0/24", "198.51.100.1", False),
        ("A|cidr: 192.0.2.0/24", "no address", False),
        ("A|cidr: '2001:db8::/32'", "2001:db8::1", True),
        ("A|gt: 3", "4", True),
        ("A|gt: 3", "3", False),
        ("A|gte: 3", "3", True),
        ("A|lt: 3", "-1", True),
        ("A|lte: 3", "4", False),
        ("A|lt: 3", "text", False),
        ("A: 16", "0x10", True),
        ("A: 16", "16", True),
        ("A: 16", "160", False),
        ("A|exists: true", "x", True),
        ("A|exists: false", "x", False),
        ("B|exists: false", "x", True),
        ("A: null", "x", False),
        ("B: null", "x", True),
        ("A: ''", "", True),
        ("A: ''", "x", False),
        ("A: '*'", "x", True),
        ("B: '*'", "x", False),
        # "base64offset: ... three different base64 values, depending on the offset"
        ("A|base64: foobar", "Zm9vYmFy", True),
        ("A|base64offset|contains: foobar", "xxZm9vYmFyxx", True),
        ("A|base64offset|contains: foobar", "AAZvb2Jhcg", True),
        ("A|base64offset|contains: foobar", "nothing", False),
        ("A|wide|base64offset|contains: ab", "YQBiAA==", True),
        # "windash: creates all permutations of -, /, en dash, em dash and horizontal bar"
        ("A|windash|contains: ' -f '", "x /f y", True),
        ("A|windash|contains: ' -f '", "x \u2013f y", True),
        ("A|windash|contains: ' -f '", "x +f y", False),
    ],
)
def test_values_and_modifiers(selection: str, value: str, expected: bool) -> None:
    assert fits(selection, A=value) is expected


def test_fields_refer_to_one_another() -> None:
    assert fits("A|fieldref: B", A="Same", B="same")
    assert not fits("A|fieldref: B", A="same", B="other")
    assert not fits("A|fieldref: B", A="same")
    assert fits("A|fieldref|startswith: B", A="same.exe", B="same")


def test_conditions_are_and_or_not_and_counts() -> None:
    two = "A: x\n  other:\n    B: y"
    assert not fits(two, "selection and other", A="x")
    assert fits(two, "selection and other", A="x", B="y")
    assert fits(two, "selection and not other", A="x", B="n")
    assert fits(two, "1 of them", B="y")
    assert not fits(two, "all of them", B="y")
    assert fits(two, "not (selection or other)", A="n")
    assert fits("A: x\n    B: y", A="x", B="y")
    assert not fits("A: x\n    B: y", A="x")


def test_keywords_stand_anywhere_in_any_value() -> None:
    keywords = "A: x\n  words: ['mimi?atz', 'two words']"
    assert fits(keywords, "words", Z="run MIMIKATZ now")
    assert fits(keywords, "words", Z=("a", "has two words in it"))
    assert not fits(keywords, "words", Z="two  words")


def test_a_name_with_several_values_fits_by_any_of_them() -> None:
    assert fits("A: two", A=("one", "two"))


def test_rules_that_are_not_evaluated_say_so(tmp_path: Path) -> None:
    (tmp_path / "good.yml").write_text(
        RULE.format(selection="A: b", condition="selection", source="service: security")
    )
    (tmp_path / "linux.yml").write_text(
        RULE.format(selection="A: b", condition="selection", source="service: x").replace(
            "product: windows", "product: linux"
        )
    )
    (tmp_path / "holder.yml").write_text(
        RULE.format(selection="A|expand: '%x%'", condition="selection", source="service: security")
    )
    (tmp_path / "broken.yml").write_text("title: [")
    found = sigma.load(tmp_path)
    assert (len(found.rules), found.elsewhere) == (1, 1)
    assert [line.partition(":")[0] for line in found.unusable] == ["broken.yml", "holder.yml"]
    with pytest.raises(InputError, match="no folder"):
        sigma.load(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no rule"):
        sigma.load(tmp_path / "empty")


def test_windows_own_audit_is_read_by_sysmons_names() -> None:
    compiled = rule("Image|endswith: cmd.exe", source="category: process_creation")
    prepared = finder.prepare([compiled])
    (audit,) = prepared.of("security", 4688)
    (sysmon,) = prepared.of("microsoft-windows-sysmon/operational", 1)
    assert prepared.of("security", 4624) == []
    assert audit.test(Event({"NewProcessName": ("c:\\cmd.exe",)}))
    assert not audit.test(Event({"Image": ("c:\\cmd.exe",)}))
    assert sysmon.test(Event({"Image": ("c:\\cmd.exe",)}))


# --- through the engine ---


def log() -> bytes:
    return event_log(
        [
            [
                Logged(number=1, time="2026-01-31T08:00:00Z", event_id=4624, channel="Security",
                       data={"TargetUserName": "jdoe"}),
                Logged(number=2, time="2026-01-31T08:00:01Z", event_id=4624, channel="Security",
                       data={"TargetUserName": "Mallory"}),
                Logged(number=3, time="2026-01-31T08:00:02Z", event_id=4624, channel="System",
                       data={"TargetUserName": "mallory"}),
            ]
        ]
    )  # fmt: skip


def run(bench: Bench, user: str, jobs: int = 1) -> tuple[int, list[dict[str, object]]]:
    source = bench.item(log())
    compiled = rule(f"EventID: 4624\n    TargetUserName: {user}")
    done = examine(
        [source], bench.derived, jobs=jobs, limits=Limits(), settings={"sigma": [compiled]},
        only=("evtx", "sigma"), on_event=bench.events.append,
    )  # fmt: skip
    assert done.deaths == 0
    hits = [
        row
        for found in results.datasets(bench.derived, [source.item])
        if found.kind == "sigma.hit"
        for row in read(found.path)
    ]
    return done.records, hits


def test_a_hit_cites_the_rule_and_the_record(bench: Bench) -> None:
    records, (hit,) = run(bench, "mallory")
    assert records == 3 + 1 + 1
    assert {
        name: hit[name] for name in ("rule_id", "rule_date", "rule_modified", "rule_level")
    } == {
        "rule_id": "00000000-0000-4000-8000-000000000001",
        "rule_date": "2026-01-02",
        "rule_modified": "2026-01-03",
        "rule_level": "high",
    }
    assert (hit["cited_parser"], hit["cited_kind"], hit["cited_seq"]) == (
        "evtx", "windows.event", 1,
    )  # fmt: skip
    assert (hit["row"], hit["time"], hit["rule_tags"]) == (
        2, 1769846401000000, ["attack.execution"],
    )  # fmt: skip
    assert [line.failed for line in ledger(bench.derived, [bench.item(log()).item])] == [0, 0, 0]


def test_rules_are_part_of_the_key(bench: Bench) -> None:
    assert run(bench, "mallory")[0] == 5
    assert run(bench, "mallory")[0] == 0, "nothing new to do"
    records, hits = run(bench, "jdoe")
    assert (records, [hit["row"] for hit in hits]) == (1, [1]), "and the parser did not run again"
    done = json.loads((bench.derived / bench.item(log()).item / "done.json").read_bytes())
    result = done["modules"]["record-finder:sigma"]
    assert result["reads"] == [done["modules"]["parser:evtx"]["key"]]


def test_what_was_found_in_records_that_are_gone_goes_too(bench: Bench) -> None:
    run(bench, "mallory")
    source = bench.item(log())
    wider = Limits(depth=9)  # other limits, another enumeration: other records
    examine([source], bench.derived, limits=wider, only=("evtx",))
    assert {found.kind for found in results.datasets(bench.derived, [source.item])} == {
        "windows.event", "windows.event_log",
    }  # fmt: skip


def test_a_parsers_new_result_takes_what_was_found_in_the_old_one_away(bench: Bench) -> None:
    """As a parser's new version does: the same enumeration, another key."""
    run(bench, "mallory")
    item = bench.item(log()).item
    path = bench.derived / item / "done.json"
    done = json.loads(path.read_bytes())
    old = done["modules"]["parser:evtx"]["key"]
    # What an older version left.
    done["modules"]["parser:evtx"]["key"] = "0" * 64
    done["modules"]["record-finder:sigma"]["reads"] = ["0" * 64]
    (bench.derived / item / old).rename(bench.derived / item / ("0" * 64))
    path.write_bytes(canonical.dumps(done))
    examine([bench.item(log())], bench.derived, limits=Limits(), only=("evtx",))
    done = json.loads(path.read_bytes())
    assert done["modules"]["parser:evtx"]["key"] == old
    assert "record-finder:sigma" not in done["modules"]


def test_settings_for_a_finder_that_is_not_there_are_refused(bench: Bench) -> None:
    with pytest.raises(InputError, match="no parser or finder named nobody"):
        examine([], bench.derived, settings={"nobody": []})
