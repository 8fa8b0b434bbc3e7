"""`operator`: people's keys and roles."""

from __future__ import annotations

from contextlib import closing

import click

from holdfast.acts import people
from holdfast.cli.common import JSON, Where, emit, new_file, say, warn, where
from holdfast.core import durable
from holdfast.core.errors import InputError
from holdfast.vault.keys import own_signer
from holdfast.vault.passkey import Passkey
from holdfast.vault.roles import ROLES

ROLE = click.Choice(ROLES)
PUBLIC = click.option(
    "--public", default="", metavar="VKEY", help="A public key, whose private one stays elsewhere."
)


@click.group()
def operator() -> None:
    """People's keys and roles: add, list, rotate, revoke."""


@operator.command("add")
@where
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=ROLE,
    help="What NAME may do; investigator, if left out. Repeat for more.",
)
@PUBLIC
@JSON
def operator_add(
    place: Where, *, name: str, roles: tuple[str, ...], public: str, as_json: bool
) -> None:
    """Make a signing key for NAME and enter its public half in the log, with NAME's roles.

    \b
    Example:
      holdfast operator add bob --role supervisor
    """
    request = people.NewOperator(name, roles or ("investigator",), public)
    with place.session() as session:
        vkey = people.add_operator(session, request)
    if as_json:
        emit({"operator": name, "roles": list(request.roles), "vkey": vkey})
    else:
        say(f"{name} signs as {vkey}")


@operator.command("role")
@where
@click.argument("name")
@click.option("--add", "added", multiple=True, type=ROLE, help="A role that NAME gets; repeat.")
@click.option("--remove", "removed", multiple=True, type=ROLE, help="One that NAME loses; repeat.")
@JSON
def operator_role(
    place: Where, *, name: str, added: tuple[str, ...], removed: tuple[str, ...], as_json: bool
) -> None:
    """Give roles to NAME, or take them.

    \b
    Example:
      holdfast operator role bob --add supervisor --remove investigator
    """
    with place.session() as session:
        held = people.change_roles(session, people.ChangeRoles(name, added, removed))
    if as_json:
        emit({"operator": name, "roles": list(held)})
    else:
        say(f"{name} is {', '.join(held) or 'without a role'}")


@operator.command("rotate")
@where
@click.argument("name")
@PUBLIC
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@JSON
def operator_rotate(place: Where, *, name: str, public: str, reason: str, as_json: bool) -> None:
    """Give NAME a new key; the old one ends with that entry.

    Yourself, with the old key; for somebody else (a lost key), as a supervisor or prosecutor.

    \b
    Example:
      holdfast operator rotate bob
    """
    with place.session() as session:
        vkey = people.rotate(session, people.EndKey(name, reason, public))
    if as_json:
        emit({"operator": name, "vkey": vkey})
    else:
        say(f"{name} signs as {vkey} from now on")


@operator.command("revoke")
@where
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why: compromised, left …")
@JSON
def operator_revoke(place: Where, *, name: str, reason: str, as_json: bool) -> None:
    """End NAME's key and roles: it is compromised, or NAME has left. What it signed stays signed.

    \b
    Example:
      holdfast operator revoke bob --reason "laptop stolen on 3 May"
    """
    with place.session() as session:
        people.revoke(session, people.EndKey(name, reason))
    if as_json:
        emit({"operator": name, "revoked": True})
    else:
        say(f"The key of {name} has ended; nothing that it signs from now on counts")


@operator.command("vkey")
@where
def operator_vkey(place: Where) -> None:
    """Print the public key of your own private one, as `operator add --public` takes it.

    It needs no vault: do it where the key is, and send the line.

    \b
    Example:
      holdfast operator vkey --operator bob --key bob.key
    """
    if not place.key:
        raise click.UsageError("name your key's file: --key FILE, or HOLDFAST_KEY")
    from holdfast.cli.passkey.use import line_of  # noqa: PLC0415 - keeps --help quick

    line = line_of(place.key)
    say(str(Passkey.parse(line) if line else own_signer(place.key, place.operator).verifier))


@operator.command("passkey")
@where
@click.option("--to", "to", required=True, metavar="FILE", help="A new file for its public line.")
def operator_passkey(place: Where, *, to: str) -> None:
    """Make a passkey in your browser, and print its public line, as `operator add` takes it.

    It needs no vault. FILE holds no secret: it says which passkey is asked for, as --key.

    \b
    Example:
      holdfast operator passkey --operator bob --to bob.passkey
    """
    from holdfast.cli.passkey.page import Page  # noqa: PLC0415 - keeps --help quick
    from holdfast.cli.passkey.use import enrol  # noqa: PLC0415

    target = new_file(to, {".passkey"})
    with closing(Page()) as page:
        made, copyable = enrol(place.operator, page)
    if not durable.create(target, f"{made}\n".encode(), 0o644):
        raise InputError(f"{target} exists already", "name another file")
    if copyable:
        warn("this passkey can be copied to other devices by whoever keeps it for you")
    say(str(made))


@operator.command("list")
@where
@JSON
def operator_list(place: Where, *, as_json: bool) -> None:
    """List the operators' keys, and the roles they hold.

    \b
    Example:
      holdfast operator list --json
    """
    with place.session() as session:
        for one in people.operators(session):
            if as_json:
                emit(one)
                continue
            state = ", ".join(one["roles"]) or "without a role"
            if one["ended"] is not None:
                state = f"ended by entry {one['ended']}"
            say(f"{one['operator']}  {state}  {one['vkey']}")
