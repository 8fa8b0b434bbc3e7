"""`log`: have it witnessed and stamped, serve it, show how far it is."""

from __future__ import annotations

from pathlib import Path

import click

from holdfast.cli.commands import log_keys, log_time
from holdfast.cli.common import CASE, JSON, Where, emit, say, small_file, warn, where
from holdfast.core.errors import IntegrityError, RemoteError

LISTEN = click.option(
    "--listen", required=True, metavar="HOST:PORT", help="Where to answer; port 0: any free one."
)


@click.group()
def log() -> None:
    """Have the log witnessed and stamped, serve it, show how far it is."""


for _command in (*log_time.COMMANDS, *log_keys.COMMANDS):
    log.add_command(_command)


@log.command("witnesses")
@where
@click.argument("file", required=False, default="")
def log_witnesses(place: Where, *, file: str) -> None:
    """Show who witnesses the log; or set it, from a policy FILE (c2sp.org/tlog-policy).

    \b
    Example:
      holdfast log witnesses policy.txt
    """
    from holdfast.acts import witnessing  # noqa: PLC0415 - keeps --help quick

    with place.session() as session:
        if not file:
            policy = witnessing.witnesses(session)
            if not policy:
                warn("no witnesses are set; name them in a policy file and give that")
            for line in policy.splitlines():
                say(line)
            return
        policy_bytes = small_file(Path(file))
        found = witnessing.set_witnesses(session, witnessing.SetWitnesses(policy_bytes))
    say(f"{len(found.witnesses)} witnesses, quorum {found.quorum}")


@log.command("publish")
@where
@JSON
def log_publish(place: Where, *, as_json: bool) -> int:
    """Have the newest checkpoint signed by everyone who is set to sign it.

    Exits 5 where a witness holds that the log was rewritten or cut, 6 where someone did not answer.

    \b
    Example:
      holdfast log publish
    """
    from holdfast.acts import publishing  # noqa: PLC0415

    with place.session() as session:
        session.vault.current()
        published = publishing.publish(session)
    for told in published.results:
        if as_json:
            emit({"size": published.size, **told.as_json()})
            continue
        for line in told.done:
            say(line)
        for line in (*told.alarms, *told.failed):
            warn(line)
    if not published.results:
        warn("nobody is set to sign the log; see `holdfast log witnesses --help`")
    if any(told.alarms for told in published.results):
        return IntegrityError.exit_code
    return RemoteError.exit_code if any(told.failed for told in published.results) else 0


@log.command("status")
@where
@JSON
def log_status(place: Where, *, as_json: bool) -> None:
    """Show the log's size, who signed how much of it, and what waits to be signed.

    \b
    Example:
      holdfast log status
    """
    from holdfast.acts import witnessing  # noqa: PLC0415

    with place.session() as session:
        head, witnessed = witnessing.status(session)
    if as_json:
        found = "unwitnessed" if witnessed is None else witnessed.as_json()
        emit({"origin": head.origin, "size": head.size, "witnesses": found})
        return
    say(f"log        {head.origin}, {head.size} entries")
    lines = ["unwitnessed: no witnesses are set"] if witnessed is None else witnessed.lines()
    for at, line in enumerate(lines):
        say(f"{'' if at else 'witnesses':<11}{line}")
    for problem in () if witnessed is None else (*witnessed.problems, *witnessed.doubts):
        warn(problem)


@log.command("entry")
@where
@CASE
@click.argument("number", type=click.IntRange(0, 2**53), metavar="ENTRY")
@JSON
def log_entry(place: Where, *, case: str, number: int, as_json: bool) -> None:
    """Show what vouches for one entry: its key, checkpoint, witnesses and time stamps.

    \b
    Example:
      holdfast log entry 12 --case 2026-0001
    """
    from holdfast.acts import vouching  # noqa: PLC0415

    with place.session() as session:
        found = vouching.vouched(session, vouching.OneEntry(case, number))
    if as_json:
        emit(found.as_json())
        return
    for step in found.steps:
        say(f"{step.name:<10} {step.state:<8} {step.words}")
    cover = found.cover
    if not cover.quorum:
        say("quorum     absent   no witness is set: nobody outside has countersigned")
    elif cover.checkpoint is None:
        say(f"quorum     MISSING  {cover.quorum} has cosigned no checkpoint with this entry")
    else:
        say(f"quorum     good     {cover.quorum} cosigned {cover.checkpoint} entries")
    for one in cover.witnesses:
        words = f"{one.size} entries, {one.time}" if one.size else "nothing with this entry yet"
        say(f"witness    {'good' if one.size else 'absent':<8} {one.name}: {words}")
    for stamp in cover.stamps:
        words = f"{stamp.size} entries, {stamp.time}" if stamp.time else stamp.why
        say(f"time       {stamp.state:<8} {stamp.authority}: {words}")
    if not cover.stamps:
        say("time       absent   no time authority has stamped a log with this entry yet")
    for problem in cover.problems:
        warn(problem)


@log.command("serve")
@where
@LISTEN
def log_serve(place: Where, *, listen: str) -> None:
    """Serve the log over HTTP (c2sp.org/tlog-tiles): checkpoint and tiles, nothing else.

    \b
    Example:
      holdfast log serve --listen 127.0.0.1:8080
    """
    from holdfast.core import listening  # noqa: PLC0415
    from holdfast.vault import serving  # noqa: PLC0415
    from holdfast.vault.config import Config  # noqa: PLC0415

    at = listening.address(listen)
    # No key, no database, no session: whoever serves the log needs to read log/ and nothing else.
    Config.load(place.root)
    folder = place.root / "vault" / "log"
    listening.serve(
        at,
        lambda request: serving.answer(folder, request),
        max_body=0,
        ready=lambda url: say(f"Serving the log at {url}/"),
    )
