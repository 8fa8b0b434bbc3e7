"""Originals for programs: "every read of evidence is an entry", and never live in our origin."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.api.test_asking import entries
from tests.serving import CASE

if TYPE_CHECKING:
    from tests.serving import Served


def test_an_original_leaves_as_an_attachment_after_its_entry(served: Served) -> None:
    with served.program("ewa") as ewa:
        (item,) = [one for one in ewa.get(f"/cases/{CASE}/items").json()["items"]
                   if one["path"].endswith("access.log")]  # fmt: skip
        place = f"/cases/{CASE}/items/{item['item']}/content"
        before = len(entries(served, "item.get"))
        whole = ewa.get(place).raise_for_status()
        assert hashlib.sha256(whole.content).hexdigest() == item["item"]
        headers = whole.headers
        assert headers["etag"] == f'"{item["item"]}"'
        assert headers["content-type"] == "application/octet-stream"
        assert headers["content-disposition"].startswith("attachment; filename=")
        assert headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in headers["content-security-policy"]
        (entry,) = entries(served, "item.get")[before:]
        assert (entry["item"], entry["actor"]["name"]) == (item["item"], "ewa")

        size = len(whole.content)
        for asked, part in (
            ("bytes=10-19", slice(10, 20)), (f"bytes={size - 3}-", slice(size - 3, size)),
            (f"bytes=5-{size + 99}", slice(5, size)),
        ):  # fmt: skip
            some = ewa.get(place, headers={"Range": asked})
            assert some.status_code == 206
            assert some.content == whole.content[part]
            assert some.headers["content-range"] == f"bytes {part.start}-{part.stop - 1}/{size}"
        assert len(entries(served, "item.get")) == before + 4, "each time it is read"
        other = {"Range": "bytes=1-", "If-Range": '"another"'}
        assert ewa.get(place, headers=other).status_code == 200
        assert ewa.get(place, headers={"Range": f"bytes={size}-"}).status_code == 416


@pytest.mark.parametrize(("who", "code"), [("sam", 403), ("dan", 403), ("nora", 404)])
def test_who_may_not_have_it_gets_nothing(served: Served, who: str, code: int) -> None:
    with served.program("lena") as lena, served.program(who) as other:
        item = lena.get(f"/cases/{CASE}/items").json()["items"][0]["item"]
        assert other.get(f"/cases/{CASE}/items/{item}/content").status_code == code
        with served.program("lena", acts=("timeline",)) as narrow:
            assert narrow.get(f"/cases/{CASE}/items/{item}/content").status_code == 403
