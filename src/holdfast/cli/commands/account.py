"""`account`, `token`: who signs in to the workbench and how; what programs may do for them."""

from __future__ import annotations

from pathlib import Path

import click

from holdfast.cli.common import JSON, Where, emit, say, small_file, warn, where

NAME = click.argument("name")


@click.group()
def account() -> None:
    """Who signs in to the workbench: add, list, lock, password, totp, passkey, bind, sessions."""


@account.command("add")
@where
@NAME
@click.option("--password-file", metavar="FILE", help="Holds the password; else one is made.")
@click.option("--none", is_flag=True, help="No way in by password: see `account bind`.")
@JSON
def add(place: Where, *, name: str, password_file: str | None, none: bool, as_json: bool) -> None:
    """Let NAME sign in to the workbench, and print the password once.

    \b
    Example:
      holdfast account add anna
    """
    from holdfast.acts import logins  # noqa: PLC0415 - keeps --help quick

    password = None if none else _password(password_file)
    request = logins.SetAccount(name, new=True, password=password)
    with place.session() as session:
        logins.set_account(session, request)
    _tell(name, None if password_file else password, as_json=as_json)


def _password(file: str | None) -> str:
    from holdfast.acts import logins  # noqa: PLC0415 - keeps --help quick

    if file is None:
        return logins.new_password()
    return small_file(Path(file)).decode("utf-8", "replace").rstrip("\r\n")


def _tell(name: str, password: str | None, *, as_json: bool) -> None:
    if as_json:
        emit({"account": name, "password": password})
        return
    say(f"{name} can sign in" + (f" with the password {password}" if password else ""))
    if password:
        warn("the password is shown once; have it changed on the page 'Account'")


@account.command("list")
@where
@JSON
def list_(place: Where, *, as_json: bool) -> None:
    """List who can sign in, and how.

    \b
    Example:
      holdfast account list
    """
    from holdfast.acts import logins  # noqa: PLC0415 - keeps --help quick

    with place.session() as session:
        found, waiting = logins.known(session), logins.offers(session)
    for one in found:
        if as_json:
            emit(one.as_json())
            continue
        bound = (f"{at.subject} of {at.issuer}" for at in one.bound)
        keys = (f"passkey of {host}" for host in one.passkeys)
        how = ", ".join((*one.ways, *keys, *bound)) or "no way"
        state = "  LOCKED" if one.locked else ""
        say(f"{one.name}  {how}  {one.sessions} sessions, {one.tokens} tokens{state}")
    for offer in waiting:
        warn(f"a passkey of {offer.name} waits to be confirmed: {offer.vkey}")
    if not found:
        warn("nobody can sign in; `holdfast account add NAME`")


@account.command("lock")
@where
@NAME
@click.option("--off", is_flag=True, help="Unlock it.")
def lock(place: Where, *, name: str, off: bool) -> None:
    """Let NAME sign in no more, and end every session and token of theirs.

    \b
    Example:
      holdfast account lock anna
    """
    from holdfast.acts import logins  # noqa: PLC0415 - keeps --help quick

    with place.session() as session:
        logins.set_account(session, logins.SetAccount(name, locked=not off))
    say(f"{name} can sign in again" if off else f"{name} is locked, and signed out everywhere")


@account.command("password")
@where
@NAME
@click.option("--password-file", metavar="FILE", help="Holds the password; else one is made.")
@click.option("--none", is_flag=True, help="No way in by password any more.")
@JSON
def password(
    place: Where, *, name: str, password_file: str | None, none: bool, as_json: bool
) -> None:
    """Give NAME another password, and print it once.

    \b
    Example:
      holdfast account password anna
    """
    from holdfast.acts import logins  # noqa: PLC0415 - keeps --help quick

    new = "" if none else _password(password_file)
    with place.session() as session:
        logins.set_account(session, logins.SetAccount(name, password=new))
    _tell(name, None if password_file or none else new, as_json=as_json)


@account.command("totp")
@where
@NAME
@click.option("--none", is_flag=True, help="Ask for no one-time code any more.")
@JSON
def totp(place: Where, *, name: str, none: bool, as_json: bool) -> None:
    """Have NAME give a one-time code besides the password, and print its secret once.

    \b
    Example:
      holdfast account totp anna
    """
    from holdfast.acts import knowing, logins  # noqa: PLC0415 - keeps --help quick

    with place.session() as session:
        secret, sealed = knowing.new_totp(session, name)
        new = "" if none else sealed
        logins.set_account(session, logins.SetAccount(name, totp=new))
        uri = knowing.uri(secret, name, session.vault.log.origin)
    if none:
        say(f"{name} is asked for no code")
    elif as_json:
        emit({"account": name, "secret": knowing.text(secret), "uri": uri})
    else:
        say(f"secret  {knowing.text(secret)}")
        say(f"uri     {uri}")
        warn("both are shown once; put them into the program that shows the codes")


@account.command("passkey")
@where
@NAME
@click.argument("vkey")
def passkey(place: Where, *, name: str, vkey: str) -> None:
    """Confirm a passkey that NAME made in the workbench: VKEY is its public line.

    Ask NAME, by another way, whether the key's number is theirs: what it signs counts as theirs.

    \b
    Example:
      holdfast account passkey anna 'anna+0f1e2d3c+/2hvbGRm…'
    """
    from holdfast.acts import logins  # noqa: PLC0415 - keeps --help quick

    with place.session() as session:
        logins.add_key(session, logins.Offer(name, vkey))
    say(f"{name} signs with the passkey {vkey.split('+')[1]}, too")


@account.command("bind")
@where
@NAME
@click.option("--issuer", required=True, metavar="URL", help="The provider, as it names itself.")
@click.option("--subject", required=True, metavar="SUB", help="Who NAME is there: its claim `sub`.")
def bind(place: Where, *, name: str, issuer: str, subject: str) -> None:
    """Let NAME sign in by a provider of OpenID Connect, where they are SUB.

    \b
    Example:
      holdfast account bind anna --issuer https://login.unit7.example --subject 8f14e45f
    """
    from holdfast.acts import binding  # noqa: PLC0415 - keeps --help quick

    with place.session() as session:
        binding.bind(session, binding.Bind(name, issuer, subject))
    say(f"{subject} of {issuer} is {name}")


@account.command("unbind")
@where
@click.option("--issuer", required=True, metavar="URL", help="The provider, as it names itself.")
@click.option("--subject", required=True, metavar="SUB", help="Who somebody is there.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; an entry has it.")
def unbind(place: Where, *, issuer: str, subject: str, reason: str) -> None:
    """Let SUB of a provider sign in no more, and end the sessions that began so.

    \b
    Example:
      holdfast account unbind --issuer https://login.unit7.example --subject 8f14e45f \\
        --reason "left the unit"
    """
    from holdfast.acts import binding  # noqa: PLC0415 - keeps --help quick

    with place.session() as session:
        ended = binding.unbind(session, binding.Unbind(issuer, subject, reason))
    say(f"{subject} of {issuer} is {ended.name} no more")


@account.command("sessions")
@where
@click.argument("name", required=False, default="")
@JSON
def sessions(place: Where, *, name: str, as_json: bool) -> None:
    """List who is signed in, from where, until when.

    \b
    Example:
      holdfast account sessions anna
    """
    _list(place, name, "session", as_json=as_json)


@account.command("sign-out")
@where
@NAME
@click.option("--reason", default="", metavar="TEXT", help="Why; an entry has it.")
def sign_out(place: Where, *, name: str, reason: str) -> None:
    """End every session and token of NAME.

    \b
    Example:
      holdfast account sign-out anna --reason "laptop lost"
    """
    from holdfast.acts import admitting  # noqa: PLC0415 - keeps --help quick

    with place.session() as session:
        count = admitting.end_all(session, name, reason)
    say(f"{count} sessions and tokens of {name} ended")


def _list(place: Where, name: str, kind: str, *, as_json: bool) -> None:
    from holdfast.acts import admitting  # noqa: PLC0415 - keeps --help quick

    with place.session() as session:
        found = admitting.in_force(session, name, kind)
    for one in found:
        if as_json:
            emit(one.as_json())
            continue
        limits = "  ".join(
            f"{what} {' '.join(some)}"
            for what, some in (("cases", one.cases), ("acts", one.acts))
            if some
        )
        where_from = f"from {one.source}  " if one.source else ""
        say(
            f"{one.key_id}  {one.name}  {one.how}  {one.label or where_from}  until {one.until}  "
            f"{limits}".rstrip()
        )
    if not found:
        warn(f"no {kind} is in force")


@click.group()
def token() -> None:
    """Tokens of programs that act for you: add, list, end."""


@token.command("add")
@where
@click.argument("label")
@click.option("--days", type=int, default=30, show_default=True, help="How long it lasts.")
@click.option("--case", "cases", multiple=True, metavar="CASE", help="Only for it; repeat.")
@click.option("--act", "acts", multiple=True, metavar="ACT", help="Only for it; repeat.")
@JSON
def token_add(
    place: Where, *, label: str, days: int, cases: tuple[str, ...], acts: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """Make a token for a program that acts for you; print it once. LABEL says what it is for.

    \b
    Example:
      holdfast token add "nightly export" --days 7 --case 2026-0001 --act timeline
    """
    from holdfast.acts import logins  # noqa: PLC0415 - keeps --help quick

    with place.session() as session:
        secret = logins.add_token(session, logins.NewToken(label, days, cases, acts))
    if as_json:
        emit({"label": label, "token": secret})
    else:
        say(secret)
        warn("this is shown once; whoever has it acts for you")


@token.command("list")
@where
@click.argument("name", required=False, default="")
@JSON
def token_list(place: Where, *, name: str, as_json: bool) -> None:
    """List the tokens in force, of NAME or of all.

    \b
    Example:
      holdfast token list
    """
    _list(place, name, "token", as_json=as_json)


@token.command("end")
@where
@click.argument("key_id")
@click.option("--reason", default="", metavar="TEXT", help="Why; an entry has it.")
def token_end(place: Where, *, key_id: str, reason: str) -> None:
    """End a token, or a session, by its key's number.

    \b
    Example:
      holdfast token end 0f1e2d3c
    """
    from holdfast.acts import admitting  # noqa: PLC0415 - keeps --help quick

    with place.session() as session:
        admitting.end(session, key_id, reason)
    say(f"{key_id} is ended")
