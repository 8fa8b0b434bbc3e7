"""A recording of the screen: what a page showed, in order, in a file that any browser plays.

Issue 4: "optional screen recording".
"""

from __future__ import annotations

import io
import itertools
import json
import struct
import threading
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from holdfast.collect.web import film
from holdfast.collect.web.recorder import HEAD
from holdfast.webarchive import apng
from tests.collect.web.captures import png
from tests.collect.web.servers import Site, page, serving
from tests.collect.web.test_capture import Item, captured, pytestmark  # noqa: F401 - of this file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

COLORS = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
CHANGING = """<!doctype html><title>Colours</title><style>html { background: #f00 }</style>
<img src="/slow">
<script>
const next = ["#0f0", "#00f"];
const step = () => {
  const colour = next.shift();
  if (!colour) { fetch("/done"); return; }
  document.documentElement.style.background = colour;
  setTimeout(step, 1200);
};
setTimeout(step, 1200);
</script>"""


class Waiting(dict[str, tuple[int, dict[str, str], bytes]]):
    """Pages of which `/slow` is answered once `/done` was asked for: until then nothing is over."""

    def __init__(self, pages: dict[str, tuple[int, dict[str, str], bytes]]) -> None:
        super().__init__(pages)
        self.done = threading.Event()

    def get(self, path: str, default: Any = None) -> Any:
        """Return a page."""
        if path == "/done":
            self.done.set()
        elif path == "/slow":
            self.done.wait(60)
        return super().get(path, default)


def frames_of(data: bytes) -> list[tuple[int, int, int]]:
    """Return the colour in the middle of each frame, as Pillow reads them."""
    found = []
    with Image.open(io.BytesIO(data)) as film_:
        for number in range(getattr(film_, "n_frames", 1)):
            film_.seek(number)
            middle = film_.convert("RGB").getpixel((film_.width // 2, film_.height // 2))
            assert isinstance(middle, tuple)
            found.append((middle[0], middle[1], middle[2]))
    return found


def test_colours_are_recorded_in_the_order_in_which_they_were_shown(line: Line) -> None:
    pages = {"/": page(CHANGING), "/done": page("done"), "/slow": page("slow")}
    with serving(Site(Waiting(pages))) as site:
        (row,) = captured(line, site.url, options=("--record",))
        assert "/done" in site.asked
    item = Item(line, row["item"])
    told = item.capture["recording"]
    lines = item.lines("recording/frames.jsonl")
    assert (told["dropped"], told["unreadable"], told["unprotected"]) == (0, 0, [])
    assert told["frames"] == len(lines) >= len(COLORS)
    assert [one["frame"] for one in lines] == list(range(1, len(lines) + 1))
    times = [one["time"] for one in lines]
    assert times == sorted(times)
    assert item.capture["started"] <= times[0] <= times[-1] <= item.capture["ended"]
    shown: list[tuple[int, int, int]] = []
    for name in told["parts"]:
        shown += frames_of(item.zip.read(f"recording/{name}"))
    assert len(shown) == len(lines)
    # The empty page comes first; whatever is between two colours is one of them.
    runs = [colour for colour, _ in itertools.groupby(shown) if colour in COLORS]
    assert runs == COLORS
    assert "truncated" not in row["losses"]


def test_a_recording_that_is_full_says_what_it_lacks(line: Line, tmp_path: Path) -> None:
    noise = b"".join(
        f"<i style='color:#{n * 7919 % 0xFFFFFF:06x}'>{n * 104729:x} </i>".encode()
        for n in range(30000)
    )
    pages = {"/": page(f"<title>Noise</title>{noise.decode()}")}
    with serving(Site(pages)) as site:
        (row,) = captured(line, site.url, options=("--record", "--record-limit", "1"))
    item = Item(line, row["item"])
    told = item.capture["recording"]
    assert told["bytes"] <= 1_000_000
    assert told["dropped"] > 0
    (loss,) = [one for one in item.losses if "recording" in one["what"]]
    assert loss["kind"] == "truncated"
    assert loss["what"] == f"the recording's last {told['dropped']} pictures"
    assert loss["why"] == "its size limit was reached"
    assert "partial" in row["assurance"]


def recorded(path: Path, pictures: list[tuple[int, bytes]]) -> Path:
    """Write pictures as a recorder does."""
    path.write_bytes(b"".join(HEAD.pack(time, 0, 0, len(data)) + data for time, data in pictures))
    return path


def test_pixels_are_the_pictures_own_and_times_do_not_drift(tmp_path: Path) -> None:
    colours = [(10 * n, 0, 200) for n in range(20)]
    times = [1_000_000_000_333_333 + n * 33_333 for n in range(20)]
    pictures = [(time, png(colour)) for time, colour in zip(times, colours, strict=True)]
    answer, why = film.make(recorded(tmp_path / "frames", pictures), tmp_path / "film")
    assert (why, answer["frames"], answer["parts"]) == ("", 20, ["recording-01.png"])
    data = (tmp_path / "film" / "recording-01.png").read_bytes()
    assert frames_of(data) == colours
    with Image.open(io.BytesIO(data)) as one:
        lasts = []
        for number in range(20):
            one.seek(number)
            lasts.append(one.info["duration"])
    assert sum(lasts[:-1]) == round((times[-1] - times[0]) / 1000)
    lines = [json.loads(x) for x in (tmp_path / "film/frames.jsonl").read_bytes().splitlines()]
    assert lines[1]["time"] > lines[0]["time"]
    assert [one["index"] for one in lines] == list(range(20))


def test_a_browser_plays_it(line: Line, tmp_path: Path) -> None:
    """Chromium decodes it: so many frames, and the colour in the middle of each."""
    script = """<!doctype html><title>not yet</title><img src="/slow"><script>(async () => {
      const data = await (await fetch("/film")).arrayBuffer();
      const decoder = new ImageDecoder({type: "image/png", data});
      await decoder.tracks.ready;
      const said = [decoder.tracks.selectedTrack.frameCount];
      const canvas = new OffscreenCanvas(100, 50).getContext("2d");
      for (let n = 0; n < said[0]; n++) {
        canvas.drawImage((await decoder.decode({frameIndex: n})).image, 0, 0);
        said.push([...canvas.getImageData(50, 25, 1, 1).data.slice(0, 3)].join());
      }
      document.title = said.join(" ");
    })().catch((error) => document.title = error).finally(() => fetch("/done"))</script>"""
    pictures = [(n * 1_000_000, png(colour)) for n, colour in enumerate(COLORS)]
    answer, _ = film.make(recorded(tmp_path / "frames", pictures), tmp_path / "film")
    data = (tmp_path / "film" / answer["parts"][0]).read_bytes()
    pages = {
        "/": page(script), "/done": page("done"), "/slow": page("slow"),
        "/film": (200, {"Content-Type": "image/png"}, data),
    }  # fmt: skip
    with serving(Site(Waiting(pages))) as site:
        (row,) = captured(line, site.url, options=("--no-scroll",))
    title = Item(line, row["item"]).capture["page"]["title"]
    assert title == "3 255,0,0 0,255,0 0,0,255"


def test_pictures_of_another_size_begin_another_film_and_broken_ones_are_counted(
    tmp_path: Path,
) -> None:
    other = io.BytesIO()
    Image.new("RGB", (30, 20), (1, 2, 3)).save(other, "PNG")
    broken = bytearray(png())
    broken[40] ^= 1
    pictures = [(1, png()), (2, other.getvalue()), (3, bytes(broken)), (4, b"GIF89a"), (5, b"")]
    answer, _ = film.make(recorded(tmp_path / "frames", pictures), tmp_path / "film")
    assert (answer["frames"], answer["unreadable"]) == (2, 3)
    assert answer["parts"] == ["recording-01.png", "recording-02.png"]
    assert frames_of((tmp_path / "film/recording-02.png").read_bytes()) == [(1, 2, 3)]


@given(st.lists(st.integers(0, 10**9), min_size=1).map(sorted))
def test_rounding_never_adds_up(times: list[int]) -> None:
    lasts = apng.shown(times)
    assert len(lasts) == len(times)
    assert abs(sum(lasts[:-1]) - (times[-1] - times[0]) / 1000) <= 0.5


@given(st.binary(max_size=300))
def test_what_is_no_picture_is_said_to_be_none(data: bytes) -> None:
    for tried in (data, b"\x89PNG\r\n\x1a\n" + data):
        with pytest.raises(apng.PngError):
            apng.read(tried)


def test_chunks_follow_the_specification(tmp_path: Path) -> None:
    """PNG Third Edition, 4.9: fcTL and fdAT share one sequence; acTL stands before IDAT."""
    answer, _ = film.make(recorded(tmp_path / "f", [(1, png()), (2, png())]), tmp_path / "film")
    data = (tmp_path / "film" / answer["parts"][0]).read_bytes()
    at, names, numbers = 8, [], []
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", data, at + 8 + size)[0] == zlib.crc32(name + body)
        names.append(name)
        if name in {b"fcTL", b"fdAT"}:
            numbers.append(struct.unpack(">I", body[:4])[0])
        at += 12 + size
    assert names == [b"IHDR", b"acTL", b"fcTL", b"IDAT", b"fcTL", b"fdAT", b"IEND"]
    assert numbers == [0, 1, 2]
