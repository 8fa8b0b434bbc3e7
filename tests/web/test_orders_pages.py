"""Pages for what people decide by order: holds, erasure, destruction, numbers, limits, labels."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

import zxingcpp
from PIL import Image

from holdfast.acts import approving, chains, holding, labelling
from holdfast.acts.act import Session
from holdfast.acts.cases import OneCase
from holdfast.cli.main import run
from holdfast.vault.vault import Vault
from tests.serving import CASE
from tests.web.test_casework_pages import send

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.serving import Served

HERE = f"/cases/{CASE}"


def test_holds_are_seen_and_requests_are_made_and_taken_back(fresh_workbench: Served) -> None:
    served = fresh_workbench
    given = ["--vault", str(served.vault), "--operator", "lena", "operator", "role"]
    assert run([*given, "sam", "--add", "supervisor"]) == 0
    with (
        served.client("sam", own_key=True) as sam,
        served.client("lena", own_key=True) as lena,
        served.client("ewa") as ewa,
    ):
        assert "Nothing of this case is on hold" in sam.get(HERE).text
        send(sam, HERE, f"{HERE}/holds", order="Court, hold 1", items="LE/1")
        for page in (HERE, f"{HERE}/items"):
            assert ewa.get(page).status_code == 200
        shown = ewa.get(HERE).text
        assert "Court, hold 1" in shown and "LE/1" in shown
        assert f"{HERE}/holds" not in shown, "an examiner is offered no hold"
        vault = Vault.open(served.vault)
        session = Session(vault, "lena")
        (hold,) = holding.of_case(session, CASE)
        assert hold.labels is not None
        item = hold.labels[0][1]
        assert "Court, hold 1" in ewa.get(f"{HERE}/items/{item}").text
        assert f"{HERE}#holds" in sam.get("/oversight").text

        # What is on hold is not erased; the rest waits for another person.
        assert "a legal hold" in send(
            lena, f"{HERE}/erasure", f"{HERE}/erasure", 403, order="O", items="LE/1"
        )
        send(lena, f"{HERE}/erasure", f"{HERE}/erasure", order="Order 9/26", items="LE/2")
        thing = next(
            f"{HERE}/exhibits/{one.thing.number}" for one in chains.listed(session, OneCase(CASE))
        )
        send(lena, thing, f"{thing}/destroy", order="Order 10/26", method="shredded")
        lift = f"{HERE}/holds/{hold.entry}/lift"
        send(sam, HERE, lift, order="Court, hold 2")
        assert sam.post(lift.replace(str(hold.entry), "0"), data={"order": "O"}).status_code == 400
        kinds = {one.kind: one for one in approving.requests(session)}
        assert set(kinds) == {"erase", "exhibit.destroy", "hold.lift"}
        waiting = sam.get("/waiting").text
        assert "Order 9/26" in waiting and "shredded" in waiting

        # Who asked takes it back, in the browser, and nobody else does.
        back = f"/waiting/{kinds['erase'].entry}/withdraw"
        assert back not in waiting and back in lena.get("/waiting").text
        assert sam.post(back, data={"reason": "R"}).status_code == 403
        send(lena, "/waiting", back, reason="the wrong exhibit")
        assert f"/waiting/{kinds['hold.lift'].entry}/approve" not in waiting, "it is sam's own"
        send(sam, "/waiting", f"/waiting/{kinds['exhibit.destroy'].entry}/approve")
        assert "Order 10/26" in lena.get(thing).text
        send(lena, "/waiting", f"/waiting/{kinds['hold.lift'].entry}/approve")
        assert approving.requests(session) == []
        assert "Court, hold 1" not in ewa.get(HERE).text
        entries = [one.act for one in vault.log.entries(0, vault.log.head().size)]
        assert entries.count("request.withdraw") == 1 and "exhibit.destroyed" in entries
        vault.engine.dispose()

        for name, page in (("ewa", "erasure"), ("aude", "erasure"), ("dan", "erasure")):
            with served.client(name) as client:
                assert client.get(f"{HERE}/{page}").status_code == 403


def test_numbers_and_limits_are_set_by_who_may(fresh_workbench: Served) -> None:
    served, page = fresh_workbench, f"{HERE}/exhibits"
    numbers, limits = f"{page}/pattern", "/oversight/limits"
    with served.client("lena") as lena, served.client("ewa") as ewa:
        send(lena, page, numbers, whole="{case}-{number}", part="{parent}.{part}")
        send(lena, f"{HERE}/exhibits", f"{HERE}/exhibits", what="a key", found="the hall")
        assert f"{CASE}-" in lena.get(f"{HERE}/exhibits").text
        send(lena, page, numbers, 400, whole="all the same", part="x")
        wanted = {"views": "50", "minutes": "60", "stretch": "20", "rest": "30"}
        send(lena, "/oversight", limits, 303, **wanted)
        assert 'value="50"' in lena.get("/oversight").text
        assert limits not in ewa.get("/oversight").text
        assert ewa.post(limits, data=wanted).status_code == 403


def test_a_label_is_printed_with_a_code_that_can_be_read(
    workbench: Served, browser: Browser, tmp_path: Path
) -> None:
    """Drawn by Chromium, read by a library that we didn't write."""
    vault = Vault.open(workbench.vault)
    things = chains.listed(Session(vault, "lena"), OneCase(CASE))
    made = labelling.label(Session(vault, "lena"), chains.OneExhibit(CASE, things[0].thing.label))
    vault.engine.dispose()
    assert made.text.splitlines()[:2] == [f"exhibit: {made.exhibit}", f"case: {CASE}"]
    with workbench.client("lena") as client:
        page = client.get(f"{HERE}/label?exhibit={made.exhibit}")
        assert page.status_code == 200 and "S-118" in page.text
        item = client.get(f"{HERE}/label?exhibit=LE/1").text
        assert "SHA-256" in item
        code = client.get(f"{HERE}/label.svg?exhibit={made.exhibit}")
        assert code.headers["content-type"] == "image/svg+xml"
        assert code.headers["content-security-policy"].startswith("sandbox")
        assert client.get(f"{HERE}/label?exhibit=ZZ/9").status_code == 400
    root = ElementTree.fromstring(code.content)  # noqa: S314 - our own answer
    assert root.tag.endswith("svg") and not [
        one for one in root.iter() if one.tag.endswith("script")
    ]
    context = browser.new_context(device_scale_factor=2)
    tab = context.new_page()
    tab.set_content(f"<body style='margin:0'>{code.text.replace('<svg ', '<svg width=400 ', 1)}")
    tab.locator("svg").screenshot(path=tmp_path / "code.png")
    context.close()
    with Image.open(tmp_path / "code.png") as picture:
        (found,) = zxingcpp.read_barcodes(picture)
    assert found.text == made.text
