"""Put what was recorded into the item, and what is missing of it into the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.collect.web import film

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.collect.web.recorder import Recorder
    from holdfast.collect.web.seen import Seen


def put(recorder: Recorder | None, frames: Path, out: Path, seen: Seen) -> dict[str, Any] | None:
    """Make films of the recorded `frames` in the folder `out`; return what is told of them.

    Raises:
        OSError: the disk refused.
    """
    if recorder is None:
        return None
    recorder.close()
    answer, trouble = film.make(frames, out / film.FOLDER)
    frames.unlink()
    if recorder.dropped:
        what = f"the recording's last {recorder.dropped} pictures"
        seen.lost("truncated", what, recorder.failed or "its size limit was reached")
    elif recorder.failed:
        seen.lost("behaviour", "the recording", recorder.failed)
    if trouble:
        seen.lost("behaviour", "the recording", f"no film could be made: {trouble}")
    elif answer["unreadable"]:
        seen.lost("behaviour", f"{answer['unreadable']} recorded pictures", "they are no PNG")
    return {
        **{name: answer.get(name) for name in ("first", "last", "parts", "unprotected")},
        "bytes": recorder.bytes,
        "dropped": recorder.dropped,
        "frames": answer.get("frames", 0),
        "unreadable": answer.get("unreadable", 0),
    }
