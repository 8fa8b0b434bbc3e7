"""The main job, end to end, on the fake bank: what a newcomer sees first.

    python -m holdfast.testing.demo [DIR]

Every step is the real command, shown as it would be typed. What is found is compared with the
scenario's ground truth, so the demo fails where Holdfast does.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from contextlib import redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.cli.main import run
from holdfast.testing.scenario import write

if TYPE_CHECKING:
    from holdfast.testing.scenario import GroundTruth

MARK = ".holdfast-demo"
"""Says that a folder is an earlier demo's, and may be replaced."""


FOUND = {"domain", "email", "ipv4"}
"""Types compared. URLs are not: in a database's page one may run into the next cell's bytes."""


class DemoFailedError(Exception):
    """A step did not do what it must."""


def main() -> int:
    """Run the demo; return 0 when every step did what it must."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "holdfast-demo").absolute()
    if folder.exists():
        if not (folder / MARK).exists():
            print(f"{folder} exists and is no earlier demo; name another folder", file=sys.stderr)
            return 3
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).touch()
    # The demo's vault is new each time; what this account remembers of others stays apart.
    os.environ |= {
        "HOLDFAST_OPERATOR": "ines",
        "HOLDFAST_VAULT": str(folder / "vault"),
        "XDG_STATE_HOME": str(folder / "state"),
    }
    started = time.monotonic()
    try:
        _story(folder)
    except DemoFailedError as failure:
        print(f"\nthe demo failed: {failure}", file=sys.stderr)
        return 1
    print(f"\nAll of it took {time.monotonic() - started:.0f} s. Look around:")
    print(f"  export HOLDFAST_VAULT={folder / 'vault'} HOLDFAST_OPERATOR=ines")
    print("  export PATH=$PWD/.venv/bin:$PATH")
    print("  holdfast timeline --case 2026-0001 --text nordlys | less")
    print("  docs/tutorial/first-case.md goes through it step by step")
    return 0


def _story(folder: Path) -> None:
    evidence = folder / "evidence"
    _head("A phishing fraud: the victim's computer and the host that was seized (made up)")
    truth = write(evidence)
    print(f"{len(truth.files)} files: a mailbox, a browser's history, logs, documents")

    _head("A vault, and a case under an authority")
    _step("init", "--origin", "demo.example/unit")
    opened = _json(
        *("case", "open", "--title", "The fake bank", "--basis", "CPA s. 94"),
        *("--authority", "District Court, order 17/26", "--scope", str(evidence)),
        *("--until", "2099-12-31"),
    )
    case = str(opened[0]["case"])
    print(f"opened case {case}")

    _head("Collect: copied, hashed and entered in the custody log before it is shown")
    _step("collect", "files", "--case", case, str(evidence))
    _head("Outside the order's scope nothing happens, and the attempt is in the log")
    _step("collect", "files", "--case", case, "/etc/hostname", expect=4)

    _head("Examine in sandboxed processes; the ledger accounts for every file")
    _step("examine", "--case", case)
    _step("ledger", "--case", case)

    _head("What happened? Compared with what the scenario's author knows")
    _compare(case, truth)
    _step("search", "--case", case, "--limit", "3", "kvittering")

    _head("Is everything as it was written?")
    _step("verify")

    _head("Hand over: a bundle that bash, sha256sum, openssl and od can check")
    bundle = folder / "bundle"
    _step("bundle", "--case", case, "--to", str(bundle))
    anchors = folder / "anchors.txt"
    anchors.write_bytes(_capture("anchors"))
    _shell(bundle, "--anchors", str(anchors), expect=0)
    _head("Somebody alters one byte of the handed-over evidence")
    victim = max((bundle / "data" / "originals").iterdir(), key=lambda one: one.stat().st_size)
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.chmod(0o644)
    victim.write_bytes(content)
    _shell(bundle, "--anchors", str(anchors), expect=1)
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    victim.chmod(0o444)


def _compare(case: str, truth: GroundTruth) -> None:
    """Look for the fraud's traces as an examiner would; hold the answers to the ground truth."""
    mail = truth.mail("phishing")
    events = _json("timeline", "--case", case)
    mails = [e for e in events if e["kind"] == "mail.message" and e["row"] == mail.number]
    _found("the phishing mail", mails, f"message {mail.number} of the mailbox")
    visit = truth.visit("link")
    visits = [e for e in events if e["kind"] == "browser.visit" and e["row"] == visit.rowid]
    _found("the click", visits, f"visit {visit.rowid} of the history")
    login = truth.lines_of("victim login")[0]
    lines = [
        e
        for e in events
        if e["kind"] == "web.access"
        and e["offset"] == login.offset
        and e["path"].endswith(login.file)
    ]
    _found("the password, sent", lines, f"{login.file}, byte {login.offset}")
    seen = {(one["kind"], one["value"]) for one in _json("indicators", "--case", case)}
    wanted = [(one.type, one.value) for one in truth.indicators if one.type in FOUND]
    missing = [value for kind, value in wanted if (kind, value) not in seen]
    if missing:
        raise DemoFailedError(f"the indicator {missing[0]} was not found")
    print(f"found   all {len(wanted)} indicators of the fraud, of {len(seen)} in the evidence")


def _found(what: str, events: list[dict[str, Any]], where: str) -> None:
    if len(events) != 1:
        raise DemoFailedError(f"{what} ({where}) was found {len(events)} times")
    one = events[0]
    message = " ".join(one["message"].split())[:70]
    print(f"found   {what}: {where}\n        {one['time']}  {message}")


def _head(text: str) -> None:
    print(f"\n== {text}", flush=True)


def _step(*arguments: str, expect: int = 0) -> None:
    """Run one command, shown as it would be typed."""
    print(f"$ holdfast {shlex.join(arguments)}", flush=True)
    code = run(list(arguments))
    sys.stdout.flush()
    if code != expect:
        raise DemoFailedError(f"it ended with exit code {code}, not {expect}")


def _capture(*arguments: str) -> bytes:
    """Run one command and return what it prints on standard output."""
    print(f"$ holdfast {shlex.join(arguments)}", flush=True)
    buffer = BytesIO()
    with TextIOWrapper(buffer, "utf-8", write_through=True) as text, redirect_stdout(text):
        code = run(list(arguments))
        text.flush()
        output = buffer.getvalue()
    if code != 0:
        raise DemoFailedError(f"it ended with exit code {code}")
    return output


def _json(*arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _capture(*arguments, "--json").splitlines()]


def _shell(bundle: Path, *arguments: str, expect: int) -> None:
    bash = shutil.which("bash")
    if bash is None:
        raise DemoFailedError("bash is not installed")
    print(f"$ cd {bundle} && bash verify.sh {shlex.join(arguments)}", flush=True)
    done = subprocess.run([bash, "verify.sh", *arguments], cwd=bundle, check=False)
    if (done.returncode != 0) != (expect != 0):
        raise DemoFailedError(f"verify.sh ended with exit code {done.returncode}, not {expect}")


if __name__ == "__main__":
    sys.exit(main())
