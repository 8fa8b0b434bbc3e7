"""Issue "workbench": "the chain of an item as a person reads it, with witnesses and stamps"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectolax.lexbor import LexborHTMLParser

from holdfast.cli.main import run
from holdfast.core import clock
from holdfast.testing.authority import POLICY, Authority
from holdfast.vault.cosignature import CosignerKey, new_ed25519
from holdfast.vault.cosigned import Cosigned
from holdfast.vault.vault import Vault
from tests.serving import CASE

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.serving import Served

NAMES = ("court", "university")


def do(served: Served, *arguments: object) -> None:
    given = ["--vault", str(served.vault), "--operator", "lena", *map(str, arguments)]
    assert run(given) == 0, arguments


def cosign(served: Served, *keys: CosignerKey) -> int:
    """Have the newest checkpoint cosigned, as `log publish` keeps what witnesses answer."""
    vault = Vault.open(served.vault)
    head = vault.current()
    signed = (vault.log.path / "checkpoint").read_text()
    when = clock.now() // 1_000_000
    Cosigned(vault.log.path).add(head.size, signed, [k.cosign(head.text(), when) for k in keys])
    vault.engine.dispose()
    return head.size


def shown(served: Served, page: str, name: str = "aude") -> str:
    with served.client(name) as client:
        answer = client.get(f"/cases/{CASE}/custody{page}")
        assert answer.status_code == 200, answer.text
        main = LexborHTMLParser(answer.text).css_first("main")
        assert main is not None
        return " ".join(main.text(separator=" ").split())


def test_who_vouches_for_an_entry_is_told_and_who_does_not(
    fresh_workbench: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served = fresh_workbench
    with served.client("aude") as client:
        chain = LexborHTMLParser(client.get(f"/cases/{CASE}/custody?item=LE/1").text)
    entry = str(chain.css("tbody td.number a")[0].attributes["href"]).rpartition("/")[2]
    text = shown(served, f"/{entry}")
    assert "No witness is set" in text and "No time authority has stamped" in text
    assert "signed with an own key" in text and "hashes lead from entry" in text
    assert "no quorum" in shown(served, "?item=LE/1")

    first, second = (new_ed25519(f"{name}.example/w") for name in NAMES)
    capsys.readouterr()
    do(served, "anchors")
    log = capsys.readouterr().out.splitlines()[-1]
    lines = [f"witness {n} {k.cosigner}" for n, k in zip(NAMES, (first, second), strict=True)]
    policy = [log, *lines, f"group both all {' '.join(NAMES)}", "quorum both", ""]
    (tmp_path / "policy").write_text("\n".join(policy))
    do(served, "log", "witnesses", tmp_path / "policy")
    size = cosign(served, first)
    text = shown(served, f"/{entry}")
    assert "quorum missing" in text, "one of two is not enough, and that is not hidden"
    assert f"court {size} entries" in text and "university none yet" in text
    capsys.readouterr()
    do(served, "log", "entry", entry, "--case", CASE)
    assert "MISSING" in capsys.readouterr().out

    (tmp_path / "tsa").mkdir()
    with Authority.made(tmp_path / "tsa", name="office").serving() as office:
        (tmp_path / "authorities.toml").write_text(
            f'[[authority]]\nname = "office"\nurl = "{office.url}"\n'
            f'roots = ["tsa/root.pem"]\npolicy = "{POLICY}"\n'
        )
        do(served, "log", "authorities", tmp_path / "authorities.toml")
        do(served, "log", "stamp")
    later = cosign(served, first, second)
    text = shown(served, f"/{entry}")
    assert "quorum reached" in text and f"checkpoint of {later} entries" in text
    assert f"court {size} entries" in text, "the first that has it, not the newest"
    assert "office stamped" in text
    row = shown(served, "?item=LE/1")
    assert "no quorum" not in row and "stamped" in row and "no trusted time" not in row

    with served.client("lena") as client:
        # Another case's entry, and one that is none, are none of this case's.
        for number, code in (("0", 400), ("9" * 15, 400), ("x", 400), (str(later + 5), 400)):
            assert client.get(f"/cases/{CASE}/custody/{number}").status_code == code, number
    with served.client("dan") as client:
        assert client.get(f"/cases/{CASE}/custody/{entry}").status_code == 403
