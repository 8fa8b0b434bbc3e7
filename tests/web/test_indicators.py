"""Issue "workbench": "indicators with pivot to every mention and to other cases"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectolax.lexbor import LexborHTMLParser

from tests.serving import CASE

if TYPE_CHECKING:
    from tests.serving import Served

HERE = f"/cases/{CASE}/indicators"
SITE = "nordlys-secure-login.example"


def test_from_a_facet_to_a_value_to_its_bytes_and_its_moment(workbench: Served) -> None:
    with workbench.client("lena") as client:
        page = client.get(HERE)
        assert len(page.content) < 100_000
        tree = LexborHTMLParser(page.text)
        (facet,) = [
            one.attributes["href"] for one in tree.css(".facets a") if one.text() == "domain"
        ]
        narrowed = LexborHTMLParser(client.get(str(facet), params=None).text)
        kinds = {one.text() for one in narrowed.css("tbody td:nth-child(2)")}
        assert kinds == {"domain"}
        told = client.get(HERE, params={"kinds": "domain", "text": "NORDLYS-SECURE"}).text
        (link,) = LexborHTMLParser(told).css("tbody th a")
        assert link.text() == SITE
        one = LexborHTMLParser(client.get(str(link.attributes["href"])).text)
        row = one.css("tbody tr")[0]
        moment, exhibit, place = (str(node.attributes["href"]) for node in row.css("a"))
        events = LexborHTMLParser(client.get(moment).text).css(".events tbody tr")
        assert events
        assert SITE in events[0].text() or "web.access" in events[0].text()
        assert client.get(exhibit).status_code == 200
        bytes_ = LexborHTMLParser(client.get(place).text)
        offset = int(row.css("a")[-1].text().split()[-1])
        shown = "".join(node.text() for node in bytes_.css("td:last-child"))
        start = (offset // 4096) * 4096
        assert shown[offset - start :].startswith(SITE[: 4096 - (offset - start)])
        beside = [str(node.attributes["href"]) for node in one.css(".facets li a")]
        assert beside
        assert client.get(beside[0]).status_code == 200
        assert client.get(f"{HERE}/one", params={"kind": "domain", "value": "x"}).status_code == 400


def test_what_evidence_says_is_text_in_the_page(workbench: Served) -> None:
    """Names of files, contexts and values are of those who would like to be read otherwise."""
    value = "</h1><script>alert(1)</script>\u202e"
    with workbench.client("lena") as client:
        for address, given in (
            (HERE, {"text": value, "kinds": value}),
            (f"{HERE}/one", {"kind": value, "value": value}),
        ):
            tree = LexborHTMLParser(client.get(address, params=given).text)
            assert all(node.attributes.get("src") for node in tree.css("script"))
            assert "\u202e" not in tree.css("main")[0].text()
