"""Pages that stop the browser. They come last, and only where they were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.testing.hostile.situation import situation

if TYPE_CHECKING:
    from holdfast.testing.hostile.situation import Answer, Ask


@situation(
    "memory",
    "A page that takes memory until its process is killed",
    script="late(async () => { const all = []; for (;;) { all.push(new ArrayBuffer(1 << 28)); "
    "new Uint8Array(all[all.length - 1]).fill(1); await wait(0); } })",
    kind="crash",
)
@situation(
    "hang",
    "A page that never lets go",
    script="late(() => { for (;;); })",
    kind="crash",
)
def nothing(_ask: Ask, answer: Answer) -> None:
    answer.send(204)
