"""The reference page of the interface for programs, made from what is offered."""

from __future__ import annotations

from holdfast.api import shape
from holdfast.api.offer import every, offer


def page() -> str:
    """Return the page."""
    lines = [
        "# The interface for programs",
        "",
        "Written by `python -m holdfast.testing.reference docs/reference` from the acts; how to",
        "use it is told in [a page of its own](../how-to/use-the-api.md). All stands below",
        "`/api/v1`. Fields in **bold** must be given: in the query of a GET, in the JSON of a",
        "POST. A POST marked *job* is answered 202.",
        "",
        "| act | address | fields | what it does |",
        "|---|---|---|---|",
    ]
    withheld = []
    for name, act in every().items():
        one = offer(act)
        if isinstance(one, str):
            withheld.append(f"| `{name}` | {one} |")
            continue
        must = set(one.schema["required"])
        fields = ", ".join(
            f"**{field}**" if field in must else field for field in one.schema["properties"]
        )
        job = " *job*" if act.long else ""
        told = shape.first_line(act.run)
        lines.append(f"| `{name}` | `{one.method} {one.path}`{job} | {fields} | {told} |")
    lines += [
        "",
        "Beside the acts: `GET /me`, `GET /jobs` with `/jobs/{job}`, `/jobs/{job}/result` and",
        "`/jobs/{job}/events`; `POST /cases/{case}/uploads` and `HEAD`, `PATCH`, `DELETE",
        "/uploads/{upload}` (tus 1.0.0); `GET /problems/{fault}`; `GET /openapi.json`.",
        "",
        "## Not offered",
        "",
        "| act | why |",
        "|---|---|",
        *withheld,
    ]
    return "\n".join([*lines, ""])
