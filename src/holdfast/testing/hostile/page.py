"""The pages that make things happen: one for each situation, and the start page for all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from holdfast.testing.hostile.situation import SITUATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.testing.hostile.situation import Answer, Ask, Handler, Situation

PRELUDE = """\
const results = {};
const lately = [];
/* Fetch, and read to the end. */
async function get(url, options) {
  const response = await fetch(url, {cache: 'no-store', ...options});
  const body = await response.arrayBuffer();
  return response.status + ', ' + body.byteLength + ' bytes';
}
/* Put a frame into the page; resolve when it has loaded. */
function frame(url, attributes) {
  return new Promise((resolve) => {
    const made = document.createElement('iframe');
    Object.assign(made, attributes);
    made.onload = () => resolve(made);
    made.src = url;
    document.body.append(made);
  });
}
function wait(milliseconds) { return new Promise((resolve) => setTimeout(resolve, milliseconds)); }
/* Do it after all others: it may stop the page. */
function late(deed) { lately.push(deed); }
async function run(name, deed) {
  let result;
  try { result = String(await deed()); } catch (error) { result = 'failed: ' + error; }
  results[name] = result;
  const line = document.createElement('li');
  line.textContent = name + ': ' + result;
  document.getElementById('results').append(line);
}
"""
_EPILOGUE = """\
(async () => {
  await Promise.all(deeds.map(([name, deed]) => run(name, deed)));
  for (const deed of lately) { await deed(); }
  document.documentElement.dataset.milliseconds = String(Math.round(performance.now()));
  document.documentElement.dataset.done = String(deeds.length);
  document.title = 'done: ' + document.title;
})();
"""


def find(ask: Ask) -> Handler | None:
    """Return the answer to a page's path, or None."""
    if ask.path == "/":
        wanted = [
            one
            for one in SITUATIONS.values()
            if one.kind == "ordinary" or ask.query("with") == "crash"
        ]
        return _page("The hostile site", wanted)
    first, _, name = ask.path.lstrip("/").partition("/")
    if first == "page" and name in SITUATIONS:
        return _page(SITUATIONS[name].what, [SITUATIONS[name]])
    return None


def _page(title: str, situations: Sequence[Situation]) -> Handler:
    def answer_page(ask: Ask, answer: Answer) -> None:
        fields = [(b"Content-Type", b"text/html; charset=utf-8"), (b"Cache-Control", b"no-store")]
        answer.send(200, fields, _html(title, situations, ask.ports).encode())

    return answer_page


def _html(title: str, situations: Sequence[Situation], ports: dict[str, int]) -> str:
    origins = {
        "ONE": f"https://one.test:{ports['tls']}",
        "OTHER": f"https://other.test:{ports['tls']}",
        "TWO": f"https://two.test:{ports['h2']}",
        "PLAIN": f"http://plain.test:{ports['plain']}",
        "WRONG_NAME": f"https://wrong-name.test:{ports['tls']}",
        "EXPIRED": f"https://expired.test:{ports['tls']}",
        "SELF_SIGNED": f"https://self-signed.test:{ports['tls']}",
        "UNTRUSTED": f"https://untrusted.test:{ports['tls']}",
    }
    lines = ["<!doctype html>", '<html lang="en"><head><meta charset="utf-8">']
    lines += [f"<title>{title}</title>", '<link rel="icon" href="data:,"></head><body>']
    lines += [f"<h1>{title}</h1>", '<ol id="results"></ol>', "<script>", PRELUDE]
    lines += [f"const {name} = {json.dumps(origin)};" for name, origin in origins.items()]
    lines.append("</script>")
    for one in situations:
        body = one.html
        for name, origin in origins.items():
            body = body.replace("{" + name + "}", origin)
        lines.append(f'<section id="{one.name}"><p>{one.name}: {one.what}</p>{body}</section>')
    lines += ["<script>", "const deeds = ["]
    for one in situations:
        if one.script:
            lines.append(f"[{json.dumps(one.name)}, async () => {{ {one.script} }}],")
    lines += ["];", _EPILOGUE, "</script></body></html>"]
    return "\n".join(lines) + "\n"
