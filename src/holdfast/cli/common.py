"""What every command shares: its options, the open session, JSON lines, progress."""

from __future__ import annotations

import getpass
import os
import shlex
import sys
import time
from contextlib import ExitStack, closing, contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from holdfast.core.errors import DeniedError, HoldfastError, InputError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from holdfast.acts.act import Progress, Session
    from holdfast.vault.signing import ActSigner

JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
JOBS = click.option(
    "--jobs",
    type=click.IntRange(1, max(64, os.cpu_count() or 1)),
    default=os.cpu_count() or 1,
    metavar="N",
    help="Processes at once; one a core, if left out.",
)
CHANGED = 10
"""The exit code that says: done, and what is watched is not what it was."""
_LARGEST = 1_000_000
"""Bytes of a file that an operator wrote: a policy, a list of authorities."""
EVIDENCE = "PATH..."
"""The metavar of paths that are evidence's own names."""
CASE = click.option(
    "--case", "case", required=True, metavar="CASE", help="Its number: `case list`."
)


def where(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--vault`, `--operator` and `--key`, passed on as a `Where`."""

    @click.option("--vault", metavar="DIR", help="The vault; else HOLDFAST_VAULT.")
    @click.option(
        "--operator", metavar="NAME", help="Who acts; else HOLDFAST_OPERATOR, else login."
    )
    @click.option(
        "--key", metavar="FILE", help="Your own key; else HOLDFAST_KEY, else the keyring's."
    )
    @click.option(
        "--server", metavar="URL", help="Ask this server instead, with the token HOLDFAST_TOKEN."
    )
    @click.pass_context
    @wraps(function)
    def wrapped(
        ctx: click.Context,
        /,
        *args: Any,
        vault: str | None,
        operator: str | None,
        key: str | None,
        server: str | None,
        **kw: Any,
    ) -> Any:
        check_text(ctx)
        outer: dict[str, str | None] = ctx.find_root().obj or {}
        place = Where(
            vault or outer.get("vault") or os.environ.get("HOLDFAST_VAULT"),
            operator or outer.get("operator") or os.environ.get("HOLDFAST_OPERATOR"),
            key or outer.get("key") or os.environ.get("HOLDFAST_KEY"),
            server or outer.get("server") or os.environ.get("HOLDFAST_SERVER"),
        )
        return function(place, *args, **kw)

    return wrapped


def check_text(ctx: click.Context) -> None:
    """Refuse what no log can hold; only paths of evidence may be any bytes.

    Raises:
        BadParameter: not UTF-8, or with a NUL.
    """
    for param in ctx.command.params:
        value = ctx.params.get(str(param.name))
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, str) and param.metavar != EVIDENCE and not _is_text(one):
                raise click.BadParameter("it is not UTF-8 text", ctx, param)
            if isinstance(one, str) and "\0" in one:
                raise click.BadParameter("no name holds a NUL", ctx, param)


def _is_text(given: str) -> bool:
    try:
        given.encode()
    except UnicodeEncodeError:
        return False
    return True


class Where:
    """In which vault, and who acts."""

    def __init__(
        self,
        vault: str | None,
        operator: str | None,
        key: str | None = None,
        server: str | None = None,
    ) -> None:
        self.server = server
        """The server that has the vault; None: it is here."""
        for name, given in (("HOLDFAST_VAULT", vault), ("HOLDFAST_OPERATOR", operator)):
            if given is not None and not _is_text(given):
                raise click.UsageError(f"{name} is not UTF-8 text")
        self._vault = vault
        self._operator = operator
        self.key = key
        """The operator's own key, outside the keyring."""

    @property
    def root(self) -> Path:
        """The vault's folder.

        Raises:
            UsageError: none was named.
        """
        if not self._vault:
            raise click.UsageError("no vault is named; give --vault DIR or set HOLDFAST_VAULT")
        return Path(self._vault)

    @property
    def operator(self) -> str:
        """Who acts: as named, or this account's login name."""
        from holdfast.vault.keys import check_operator  # noqa: PLC0415 - keeps --help quick

        if self._operator:
            return check_operator(self._operator)
        try:
            return check_operator(getpass.getuser())
        except (KeyError, OSError):
            raise InputError(
                "nobody is named as operator", "give --operator NAME or set HOLDFAST_OPERATOR"
            ) from None

    @contextmanager
    def session(self, *, recover: bool = True) -> Iterator[Session]:
        """Open the vault for work, finishing what a crash left; warnings go to standard error.

        Raises:
            HoldfastError: there is no vault, or it is not as it was left.
        """
        if self.server:
            from holdfast.cli import away  # noqa: PLC0415

            with away.session(self.server, self.operator) as elsewhere:
                yield elsewhere
            return
        from holdfast.acts.act import Session  # noqa: PLC0415 - keeps --help quick
        from holdfast.vault.vault import Vault  # noqa: PLC0415

        vault = Vault.open(self.root)
        ends = ExitStack()
        session = Session(vault, self.operator, signer=self._signer(ends))
        if recover:
            for run in session.recover():
                warn(f"the collection {run} was cut short; repeat it to complete it")
        try:
            yield session
            publish_quietly(session)
        except DeniedError:
            # A refusal is an entry as well.
            publish_quietly(session)
            raise
        finally:
            ends.close()
            if "custody" in vars(session):
                for warning in session.custody.warnings:
                    warn(warning)
                if not session.custody.signs:
                    who = session.operator
                    warn(
                        f"{who} has no signing key here, so the log says 'actor unsigned'; make "
                        f"one:  holdfast operator add {shlex.quote(who)}"
                    )

    def _signer(self, ends: ExitStack) -> ActSigner | None:
        """Return what signs with the operator's own key; None where none is named."""
        if not self.key:
            return None
        from holdfast.cli.passkey import use  # noqa: PLC0415 - keeps --help quick
        from holdfast.cli.passkey.page import Page  # noqa: PLC0415
        from holdfast.vault.keys import own_signer  # noqa: PLC0415

        line = use.line_of(self.key)
        if line is not None:
            return use.signer(line, self.operator, ends.enter_context(closing(Page())))
        return own_signer(self.key, self.operator)


def publish_quietly(session: Session) -> None:
    """Tell witnesses and time authorities of what was just entered; failing, say so in a line."""
    if "custody" not in vars(session) or not session.custody.appended:
        return
    from holdfast.acts import publishing  # noqa: PLC0415 - keeps --help quick

    try:
        for told in publishing.publish(session, publishing.QUICKLY).results:
            for line in (*told.alarms, *told.failed):
                warn(f"{line}; `holdfast log publish` tries again")
    except Exception as error:  # noqa: BLE001 - what was asked for is done, and stays done
        why = str(error) if isinstance(error, HoldfastError) else repr(error)
        warn(f"the log was not published: {why}; `holdfast log publish` tries again")


def small_file(path: Path) -> bytes:
    """Return what a small file holds that an operator wrote or was given: settings, keys.

    Raises:
        InputError: it can't be read, or is too large to be one.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{str(path)[:200]} can't be read: {reason}", "name a file") from None
    if len(data) > _LARGEST:
        raise InputError(f"{path} is larger than {_LARGEST} bytes", "name another file")
    return data


def emit(facts: Mapping[str, Any]) -> None:
    """Print one JSON object on a line of its own."""
    import orjson  # noqa: PLC0415 - compiled: see cli/interrupts.py

    sys.stdout.buffer.write(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS) + b"\n")


def say(text: str = "") -> None:
    """Print a line for a person; control characters in it are shown, not sent."""
    click.echo(printable(text) if text else "")


def answer(
    rows: Iterable[bytes],
    told: Callable[[dict[str, Any]], Sequence[str]],
    *,
    as_json: bool,
    none: str,
    safe: Callable[[str], str] = printable,
) -> None:
    """Print an act's answer: its JSON lines, or what `told` makes of each, a string a line.

    Evidence can break no line: a line break in a string is shown as one, as `safe` does it. Where
    there is no row, a person is told `none`.
    """
    import orjson  # noqa: PLC0415 - compiled: see cli/interrupts.py

    found = False
    for row in rows:
        found = True
        if as_json:
            sys.stdout.buffer.write(row)
            continue
        for line in told(orjson.loads(row)):
            click.echo(safe(line))
    if not found and not as_json:
        warn(none)


def warn(text: str) -> None:
    """Print a warning on standard error."""
    click.echo(f"holdfast: {printable(text)}", err=True)


@contextmanager
def progress(title: str, unit: str = "bytes") -> Iterator[Progress]:
    """Draw progress on a terminal's standard error, and remove it at the end; else say nothing."""
    if not sys.stderr.isatty():
        yield lambda _done, _total, _what: None
        return
    from rich.console import Console  # noqa: PLC0415 - only where it is seen
    from rich.progress import (  # noqa: PLC0415  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.progress import Progress as Bars  # noqa: PLC0415

    count = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    columns = [
        SpinnerColumn(),
        TextColumn(title),
        BarColumn(),
        count,
        TimeElapsedColumn(),
        TextColumn("{task.fields[what]}", markup=False),
    ]
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(title, total=None, what="")
        last = 0.0

        def tell(done: int, total: int | None, what: str, /) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last > 0.05:
                last = now
                bars.update(task, completed=done, total=total, what=printable(what)[-60:])

        yield tell


def new_file(name: str, kinds: set[str]) -> Path:
    """Return a file that is to be written, of one of the `kinds` (suffixes).

    Raises:
        InputError: it is of another kind by its name, exists already, or its folder does not.
    """
    file, known = Path(name), " or ".join(sorted(kinds))
    if file.suffix not in kinds:
        raise InputError(f"{file} does not end in {known}", f"name a file that ends in {known}")
    if file.exists():
        raise InputError(f"{file} exists already", "name another file")
    if not file.parent.is_dir():
        raise InputError(f"there is no folder {file.parent}", "make it first")
    return file


def size_text(size: int) -> str:
    """Return a size in bytes as people read it."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
