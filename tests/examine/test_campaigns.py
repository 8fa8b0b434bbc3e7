"""Near-duplicates: the mails of one mailing and the copies of one picture are one group."""

from __future__ import annotations

import io
import random
from contextlib import suppress
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from holdfast.core.errors import InputError
from holdfast.examine import campaigns
from holdfast.examine.file import evidence_from
from holdfast.examine.finders import similar_pictures, similar_texts
from holdfast.examine.record import UnreadableError
from holdfast.testing.parser_contract import evidence
from holdfast.testing.scenario.reported import BANK, PARCEL, Reports, write_reports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.line import Line


@pytest.fixture(autouse=True)
def untold() -> Iterator[None]:
    yield
    similar_pictures.use(None)


def grouped(line: Line) -> list[dict[str, Any]]:
    return line.must("campaigns", "--case", line.case, "--json").rows


def names(group: dict[str, Any]) -> list[str]:
    return sorted(one["path"].rpartition("/")[2] for one in group["members"])


def measured(truth: Reports, groups: list[dict[str, Any]], what: str) -> tuple[float, float]:
    """Return precision and recall over pairs of files that belong to `what`, or are said to."""
    real = set(combinations(sorted(truth.of(what)), 2))
    said = {
        pair for group in groups for pair in combinations(names(group), 2)
        if any(truth.files[name] == what for name in pair)
    }  # fmt: skip
    return len(said & real) / len(said), len(said & real) / len(real)


@pytest.mark.parametrize("seed", [7, 8])
def test_mailings_and_pictures_group_as_the_scenario_knows(
    line: Line, tmp_path: Path, seed: int
) -> None:
    """ "Phishing mails and pages group into campaigns"; nothing else does."""
    truth = write_reports(tmp_path / "reports", seed=seed)
    assert (len(truth.of("bank")), len(truth.of("parcel"))) == (BANK, PARCEL)
    assert line.collect(tmp_path / "reports").code == 0
    line.must("examine", "--case", line.case, "--jobs", 1)
    assert grouped(line) == [], "fingerprints are taken where they are asked for"
    line.must("examine", "--case", line.case, "--jobs", 1, "--similar")
    groups = grouped(line)
    for what, least in (("bank", 0.9), ("parcel", 0.9), ("banner", 0.75), ("photo", 0.75)):
        precision, recall = measured(truth, groups, what)
        assert precision == 1.0
        assert recall >= least
    first = groups[0]
    assert (first["kind"], first["members"][0]["parser"]) == ("text", "mail")
    kinds = [row["kind"] for row in line.must("timeline", "--case", line.case, "--json").rows]
    assert "similar.text" not in kinds
    hits = line.must("search", "--case", line.case, "savings", "--json").rows
    assert {hit["kind"] for hit in hits} <= {"mail.message", "text.document"}
    only = line.must("campaigns", "--case", line.case, "--json", "--kind", "picture").rows
    assert {group["kind"] for group in only} == {"picture"}
    shown = line.must("campaigns", "--case", line.case).out
    assert first["campaign"] in shown
    line.intact()


def test_pages_group_too(line: Line, tmp_path: Path) -> None:
    page = (
        "<html><head><title>Log in</title></head><body><h1>Nordlys</h1><p>Dear {name}, please type "
        "your number, your password, your telephone number and the code that we have just sent to "
        "it. Then wait for the call of our adviser and tell nobody about it.</p></body></html>"
    )
    for name in ("Ingrid", "Marit"):
        (tmp_path / f"{name}.html").write_text(page.format(name=name))
    (tmp_path / "other.html").write_text(
        "<html><body><p>Dear Ingrid, the choir meets on Monday in the hall by the quay. It is cold "
        "there, so bring a coat, a pencil and your notes; coffee comes after.</p></body></html>"
    )
    for name in ("Ingrid.html", "Marit.html", "other.html"):
        line.collect(tmp_path / name)
    line.must("examine", "--case", line.case, "--jobs", 1, "--similar")
    (group,) = grouped(line)
    assert names(group) == ["Ingrid.html", "Marit.html"]


def minhashes(count: int, seed: int = 1) -> Any:
    """A fiftieth of originals with 25 copies each that agree in 70 %, the rest alone."""
    rng = np.random.default_rng(seed)
    copies = np.repeat(rng.integers(0, 2**32, (count // 50, 128), dtype=np.uint32), 25, axis=0)
    other = rng.random(copies.shape) < 0.3
    copies[other] = rng.integers(0, 2**32, int(other.sum()), dtype=np.uint32)
    alone = rng.integers(0, 2**32, (count - len(copies), 128), dtype=np.uint32)
    return np.concatenate((copies, alone))


def pdqs(count: int, seed: int = 1) -> Any:
    """A fiftieth of originals with 25 copies each of which 5 % of the bits were turned."""
    rng = np.random.default_rng(seed)
    copies = np.repeat(rng.integers(0, 256, (count // 50, 32), dtype=np.uint8), 25, axis=0)
    alone = rng.integers(0, 256, (count - len(copies), 32), dtype=np.uint8)
    prints = np.concatenate((copies, alone))
    return prints ^ np.packbits(rng.random((count, 256)) < 0.05, axis=1)


BOTH = [(minhashes, campaigns.texts), (pdqs, campaigns.pictures)]


@pytest.mark.parametrize(("made", "group"), BOTH)
def test_the_order_of_fingerprints_changes_nothing(made: Any, group: Any) -> None:
    prints = made(2000)
    plain = group(prints)
    assert len(plain.groups) == 40
    order = list(range(len(prints)))
    random.Random(5).shuffle(order)
    shuffled = group(prints[order])
    assert sorted(sorted(order[row] for row in rows) for rows in shuffled.groups) == plain.groups
    assert shuffled.compared == plain.compared


@pytest.mark.parametrize(("made", "group"), BOTH)
def test_cost_grows_with_the_number_and_not_with_its_square(made: Any, group: Any) -> None:
    """Counted, not timed: sixteen times as many texts, about sixteen times as many comparisons."""
    few, many = group(made(2_000)).compared, group(made(32_000)).compared
    assert many < 1.5 * 16 * few
    assert many < 8 * 32_000


def test_one_great_mailing_does_not_cost_its_square() -> None:
    """4,000 copies that agree in nine tenths: 8 million pairs, of which a sixteenth is compared."""
    rng = np.random.default_rng(3)
    copies = np.repeat(rng.integers(0, 2**32, (1, 128), dtype=np.uint32), 4000, axis=0)
    other = rng.random(copies.shape) < 0.1
    copies[other] = rng.integers(0, 2**32, int(other.sum()), dtype=np.uint32)
    found = campaigns.texts(copies)
    assert found.groups == [list(range(4000))]
    assert found.compared < 32 * campaigns.FIRST * 4000
    assert campaigns.FIRST <= 8


def test_a_thousand_equal_texts_are_one_comparison_less_than_two() -> None:
    same = np.repeat(minhashes(50)[:1], 1000, axis=0)
    found = campaigns.texts(same)
    assert found.groups == [list(range(1000))]
    assert found.compared == 0
    assert campaigns.texts(np.zeros((0, 128), np.uint32)).groups == []
    assert campaigns.pictures(np.zeros((0, 32), np.uint8)).groups == []


def test_what_differs_by_addressee_does_not_count() -> None:
    one = similar_texts.words("Dear you, pay 19,00 kr at https://a.example/x?y or ask a@b.example")
    two = similar_texts.words("Dear you, pay 27,50 kr at HTTPS://other.example/ or ask c@d.test")
    assert one == two
    assert similar_texts.words("去年 year") == ["去", "年", "year"]


def drawn(width: int, height: int) -> Image.Image:
    picture = Image.new("RGB", (width, height), (20, 90, 160))
    draw = ImageDraw.Draw(picture)
    for step in range(9):
        box = (step * width // 12, step * height // 15, step * width // 7, step * height // 9 + 9)
        draw.rectangle(box, fill=(255 - 25 * step, 30 * step % 256, 11 * step))
        draw.ellipse((width - box[2], box[1], width - box[0], box[3]), fill=(step * 20, 200, 90))
    return picture


@pytest.mark.parametrize(
    ("size", "digest"),
    [
        ((64, 64), "370ae04d1afc62c09e82719bce3739f06e029a676f9daa69a18b946b45e7d658"),
        ((300, 200), "9f0b706c86d539c467890e1f5bf546969a60258f6c7da9e321189663959ed378"),
        ((641, 480), "3d2ee0690ef773c0c6831a1e53f54eb69960650eec6d29ce02199663b59ed378"),
        ((100, 900), "3d2ee0698ef732c046831a1f6bd7ceb498e0658eae6d29ce02189663f5ced658"),
    ],
)
def test_pdq_is_that_of_its_authors(size: tuple[int, int], digest: str) -> None:
    """Computed by pdqhash 0.2.8, which binds Facebook's own C++; bit for bit."""
    assert similar_pictures.pdq(similar_pictures.luma(drawn(*size)))[0] == digest


def fingerprints(path: Path) -> list[Any]:
    similar_pictures.use(True)
    return list(similar_pictures.find(evidence_from(path)))


def test_a_picture_that_is_damaged_or_too_large_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.png"
    drawn(200, 200).save(path)
    (found,) = fingerprints(path)
    assert (found.width, found.height, found.quality) == (200, 200, 96)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableError, match="damaged"):
        fingerprints(path)
    path.write_bytes(whole)
    monkeypatch.setattr(similar_pictures, "PIXELS", 100 * 100)
    with pytest.raises(UnreadableError, match="more than"):
        fingerprints(path)
    path.write_bytes(b"no picture")
    assert fingerprints(path) == []


def test_reports_go_into_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    with pytest.raises(InputError):
        write_reports(tmp_path)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_a_damaged_picture_of_any_format_ends_in_a_declared_way(data: st.DataObject) -> None:
    """A minute of it (10,340 mutations) gave nothing else: half are read, half are failures."""
    similar_pictures.use(True)
    stored = io.BytesIO()
    drawn(40, 30).save(stored, data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "WEBP"])))
    changed = bytearray(stored.getvalue())
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, 1 << 12), st.integers(0, 255)))):
        changed[at % len(changed)] = value
    del changed[data.draw(st.integers(1, len(changed))) :]
    with evidence(bytes(changed)) as file, suppress(UnreadableError):
        for found in similar_pictures.find(file):
            assert len(found.fingerprint) == 64
            assert 0 <= found.quality <= 100


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.text(max_size=300))
def test_any_text_has_words_or_none(text: str) -> None:
    found = similar_texts.words(text)
    assert similar_texts.fingerprint(found).shape == (campaigns.VALUES,)
