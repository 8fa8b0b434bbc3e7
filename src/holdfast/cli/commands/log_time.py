"""`log authorities`, `log stamp`, `log stamps`, `log renew`: trusted time for the custody log."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.common import JSON, Where, emit, say, small_file, warn, where
from holdfast.core import clock
from holdfast.core.errors import InputError, RemoteError

if TYPE_CHECKING:
    from holdfast.vault.authorities import Authority

_AHEAD = 90 * 86_400_000_000
"""Microseconds before a certificate's end at which `log renew` begins, if no date is given."""


@click.command()
@where
@click.argument("file", required=False, metavar="[FILE.toml]")
@JSON
def authorities(place: Where, *, file: str | None, as_json: bool) -> None:
    """Show the time authorities; with FILE.toml, set them: the log keeps who set which.

    \b
    FILE.toml has, for each:
      [[authority]]
      name = "a-tsa"                    # names its files
      url = "https://tsa.example/rfc3161"
      roots = ["a-tsa-root.pem"]        # as it came from them, by a way you trust
      policy = "1.3.6.1.4.1.32473.1"    # may be left out
      crls = ["http://tsa.example/a.crl"]  # lists of revoked certificates to keep; or left out

    Keep a root for as long as stamps under it are to be checked.

    \b
    Example:
      holdfast log authorities authorities.toml
    """
    from holdfast.acts import stamping  # noqa: PLC0415 - keeps --help quick
    from holdfast.acts.authorities import authorities  # noqa: PLC0415

    given = None if file is None else _read(Path(file))
    with place.session() as session:
        if given is not None:
            stamping.set_authorities(session, stamping.SetAuthorities(given))
        found = authorities(session)
    for one in found:
        if as_json:
            emit(one.as_json())
        else:
            policy = f", policy {one.policy}" if one.policy else ""
            say(f"{one.name}  {one.url}  {len(one.roots)} root(s){policy}")
    if not found and not as_json:
        say("No time authority is set; `holdfast log authorities FILE.toml` sets them")


def _read(path: Path) -> tuple[Authority, ...]:
    """Read authorities from a file; roots are paths beside it.

    Raises:
        InputError: it can't be read, or says what can't be one.
    """
    from holdfast.vault import authorities as setting  # noqa: PLC0415 - keeps --help quick

    try:
        listed = tomllib.loads(small_file(path).decode()).get("authority", [])
        given: list[dict[str, Any]] = [dict(one) for one in listed]
    except (TypeError, ValueError) as error:
        raise InputError(f"{path} can't be read: {error}", "see the command's --help") from None
    for one in given:
        names = one.get("roots")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputError(f"{path}: an authority's roots are no list of files")
        one["roots"] = [_pem(path.parent / name) for name in names]
    if not given:
        raise InputError(f"{path} names no authority", "begin one with [[authority]]")
    return setting.parse(given)


def _pem(path: Path) -> str:
    try:
        return small_file(path).decode()
    except ValueError:
        raise InputError(f"the root {path} is no text", "give it in PEM") from None


@click.command()
@where
@JSON
def stamp(place: Where, *, as_json: bool) -> int:
    """Have every time authority stamp the newest checkpoint now.

    One that is away is asked again the next time; a later stamp covers all earlier entries. Exits 6
    while any of them owes a stamp.

    \b
    Example:
      holdfast log stamp
    """
    from holdfast.acts import stamping  # noqa: PLC0415 - keeps --help quick

    with place.session() as session:
        done = stamping.stamp(session, stamping.StampHead())
    for one in done:
        if as_json:
            emit(one.as_json())
        elif one.state == "stamped" and one.time is not None:
            say(f"{one.authority}  stamped {one.size} entries at {clock.to_text(one.time)}")
        elif one.state == "covered":
            say(f"{one.authority}  has stamped all there is to stamp")
        if one.why:
            warn(f"{one.authority} owes a stamp on {one.size} entries ({one.state}): {one.why}")
        if one.crls:
            warn(f"{one.authority}: its revoked certificates are not known: {one.crls}")
    return RemoteError.exit_code if any(one.why for one in done) else 0


@click.command()
@where
@JSON
def stamps(place: Where, *, as_json: bool) -> None:
    """List every stamp with its time, what was refused and why, and who owes one since when.

    \b
    Example:
      holdfast log stamps --json
    """
    from holdfast.acts import stamping  # noqa: PLC0415 - keeps --help quick

    with place.session() as session:
        for row in stamping.standing(session):
            if as_json:
                emit(row)
                continue
            said = row.get("time") or row.get("why")
            since = f" since {row['since']}" if "since" in row else ""
            say(f"{row['size']:>10}  {row['authority']}  {row['state']}{since}  {said}")


@click.command()
@where
@click.option("--before", metavar="DATE", help="Those that end before; in 90 days, if left out.")
@click.option("--digest", default="", metavar="NAME", help="End all records with sha384 or sha512.")
@JSON
def renew(place: Where, *, before: str | None, digest: str, as_json: bool) -> int:
    """Stamp old stamps again, before their certificate or their digest loses its worth.

    All of an authority's stamps are renewed with one request; each gets an evidence record
    (RFC 4998). Exits 6 where any could not be renewed.

    \b
    Example:
      holdfast log renew --before 2027-06-30
    """
    from holdfast.acts import renewing  # noqa: PLC0415 - keeps --help quick

    until = clock.now() + _AHEAD if before is None else clock.end_of(before)
    with place.session() as session:
        done = renewing.renew(session, renewing.Renew(until, digest))
    for one in done:
        if as_json:
            emit(one.as_json())
        else:
            expires = "" if one.expires is None else f"; good until {clock.to_text(one.expires)}"
            say(f"{one.authority}  {one.renewed} stamps renewed{expires}")
        for why in one.failed:
            warn(f"{one.authority}: not renewed: {why}")
    return RemoteError.exit_code if any(one.failed for one in done) else 0


COMMANDS = (authorities, stamp, stamps, renew)
