"""Issue "workbench": "... -> report -> disclose": the last step of the journey, in the browser."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from typing import TYPE_CHECKING

import pyrage
from selectolax.lexbor import LexborHTMLParser

from holdfast.acts import disclosing
from holdfast.acts.act import Session
from holdfast.cli.main import run
from holdfast.vault.vault import Vault
from tests.serving import CASE

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    import pytest

    from tests.serving import Served

PAGE = f"/cases/{CASE}/disclosure"


def left(place: Path) -> list[Path]:
    return list(place.glob("holdfast-handover-*"))


def test_what_is_chosen_leaves_sealed_and_what_waits_for_somebody_does_not(
    fresh_workbench: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, key = fresh_workbench, pyrage.x25519.Identity.generate()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    given = ["--vault", str(served.vault), "--operator", "lena"]
    assert run([*given, "privilege", "set", "LE/2", "--case", CASE, "--reason", "counsel"]) == 0

    def asks(client: httpx.Client, **said: object) -> httpx.Response:
        shown = client.get(PAGE)
        assert shown.status_code == 200, shown.text
        token = LexborHTMLParser(shown.text).css_first(f"form[action='{PAGE}'] [name=form]")
        assert token is not None
        fields = {"role": "defence", "recipient": "Ms Roe", "sealed_to": str(key.to_public())}
        return client.post(PAGE, data={"form": token.attributes["value"], **fields, **said})

    with served.client("sam") as sam:
        shown = sam.get(PAGE).text
        assert "may be privileged" in shown and "the filter team decides" in shown
        checked = LexborHTMLParser(shown).css("input[name=withhold][checked]")
        assert [one.attributes["value"] for one in checked] == ["LE/2"]
        refused = asks(sam)
        assert (refused.status_code, "may be privileged" in refused.text) == (403, True)
        for wrong in ({"sealed_to": ""}, {"sealed_to": "age1nobody"}, {"recipient": ""},
                      {"role": "friend"}):  # fmt: skip
            assert asks(sam, withhold="LE/2", **wrong).status_code == 400, wrong
        assert left(tmp_path) == []
        taken = asks(sam, withhold=["LE/2", "LE/3"], order="Court, 3 May")
        assert taken.status_code == 200, taken.text
        assert taken.headers["content-disposition"].endswith('.tar.age"')
        assert left(tmp_path) == [], "nothing of it stays on this machine"
    with tarfile.open(fileobj=io.BytesIO(pyrage.decrypt(taken.content, [key]))) as tar:
        tar.extractall(tmp_path / "defence", filter="data")
    (folder,) = (tmp_path / "defence").iterdir()
    checked_by = subprocess.run(
        ["/bin/bash", "verify.sh"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert "INTACT in itself" in checked_by.stdout, checked_by.stdout + checked_by.stderr
    assert "LE/2" not in (folder / "data" / "items.csv").read_text("utf-8")
    assert "The suspect was abroad" in (folder / "data" / "findings.jsonl").read_text("utf-8")

    for name in ("ewa", "dan", "aude"):
        with served.client(name) as client:
            assert client.get(PAGE).status_code == 403, name
            assert "Disclosure" not in client.get(f"/cases/{CASE}").text, name
    vault = Vault.open(served.vault)
    entries = list(vault.log.entries(0, vault.log.head().size))
    (made,) = [one.fields for one in entries if one.act == "bundle"]
    assert (made["actor"]["name"], made["handover"]["for"]) == ("sam", "Ms Roe")
    assert [one.fields["refused"] for one in entries if one.act == "denied"].count("bundle") == 4

    # Whoever hangs up before the first byte leaves nothing behind.
    wanted = disclosing.Disclosure(CASE, "R", "court", (str(key.to_public()),), ("LE/2",))
    away = disclosing.disclose(Session(vault, "lena"), wanted)
    assert left(tmp_path) == []
    assert sum(map(len, away.pieces)) == away.size
    vault.engine.dispose()
