"""Issue "workbench": "server-sent progress"; long acts outlive the connection that began them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.serving import CASE

if TYPE_CHECKING:
    import httpx

    from tests.serving import Served


def told(program: httpx.Client, job: str, last: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Listen to a job until it is over; return (event, its data)."""
    heard, name = [], ""
    headers = {"Last-Event-ID": last} if last else {}
    with program.stream("GET", f"/jobs/{job}/events", headers=headers) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            if line.startswith("data: "):
                heard.append((name, json.loads(line.removeprefix("data: "))))
    return heard


def test_a_long_act_is_a_job_that_goes_on_alone(served: Served) -> None:
    with served.program("ewa") as ewa:
        key = {"Idempotency-Key": "examine-1"}
        begun = ewa.post(f"/cases/{CASE}/examine", json={}, headers=key)
        assert begun.status_code == 202
        job = begun.json()["job"]
        assert begun.headers["location"] == f"/api/v1/jobs/{job}"
        again = ewa.post(f"/cases/{CASE}/examine", json={}, headers=key)
        assert again.headers["location"] == begun.headers["location"]
    # The connection is gone; another one listens.
    with served.program("ewa") as ewa:
        *_, (name, last) = told(ewa, job)
        assert (name, last["state"], last["act"]) == ("end", "done", "examine")
        result = ewa.get(f"/jobs/{job}/result")
        (row,) = map(json.loads, result.text.splitlines())
        assert row["skipped"] == 2
        assert (
            ewa.get(
                f"/jobs/{job}/result", headers={"If-None-Match": result.headers["etag"]}
            ).status_code
            == 304
        )
        assert [one["job"] for one in ewa.get("/jobs").json()["items"]].count(job) == 1
    with served.program("sam") as sam, served.program("ewa", acts=("items",)) as less:
        assert sam.get(f"/jobs/{job}").status_code == 404
        assert less.get(f"/jobs/{job}/result").status_code == 404
        assert sam.get("/jobs/" + "0" * 32).content == sam.get(f"/jobs/{job}").content


def test_what_is_refused_begins_no_job_and_what_fails_says_why(served: Served) -> None:
    with served.program("sam") as sam:
        refused = sam.post(f"/cases/{CASE}/examine", json={})
        assert refused.status_code == 403
        assert sam.get("/jobs").json() == {"items": []}
    with served.program("ewa") as ewa:
        asked = {"first": "LE/1", "second": "LE/99"}
        job = ewa.post(f"/cases/{CASE}/collect/diff", json=asked).json()["job"]
        *_, (name, last) = told(ewa, job)
        assert (name, last["state"]) == ("end", "failed")
        assert "LE/99" in last["problem"]["detail"]
        assert ewa.get(f"/jobs/{job}/result").status_code == 409
