"""The entry point: finds the command, runs it, and turns errors into one line and an exit code."""

from __future__ import annotations

import difflib
import errno
import importlib
import io
import keyword
import os
import signal
import sys
import traceback
from typing import Any

import click

from holdfast import __version__
from holdfast.cli import interrupts
from holdfast.cli.common import check_text
from holdfast.core.errors import HoldfastError, printable
from holdfast.core.memory import patient_collector

SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Set up": {
        "init": ("vault", "Make a new vault and a key for its first operator."),
        "operator": ("operator", "People's keys and roles: add, list, rotate, revoke."),
        "hashset": ("hashset", "Lists of known files and values: add, list, remove."),
    },
    "Work on a case": {
        "case": ("case", "Open, show, list and close cases."),
        "collect": ("collect", "Collect evidence into a case."),
        "items": ("collect", "List what the case holds."),
        "exhibit": ("exhibit", "Physical exhibits: seizure, seals, hand-over; exhibit numbers."),
        "examine": ("examine", "Examine the case's items in sandboxed processes."),
        "ledger": ("examine", "Show what became of every file."),
        "cluster": ("cluster", "Machines that examine together: start a head, join one."),
        "import": ("imports", "Take over what another tool exported, row by row."),
        "clock": ("clock", "State by how much a source's clock was wrong."),
        "task": ("work", "Set tasks, give them to people, settle them."),
        "question": ("question", "Investigative questions: what answers them, what is here."),
        "entity": ("entity", "People, accounts, wallets and devices in a case."),
        "finding": ("finding", "Write findings that cite records; have them reviewed."),
        "note": ("work", "Write and read notes on a case."),
        "decision": ("work", "Log decisions and their reasons."),
    },
    "Ask": {
        "view": ("view", "Show a file as text, bytes, rows or pictures made anew."),
        "timeline": ("query", "Show the case's events in order of time, UTC."),
        "window": ("window", "Show a page of the timeline under a filter, with counts."),
        "views": ("window", "List the filters that were kept under a name."),
        "remark": ("window", "Tag and comment on events: tag, untag, comment, list."),
        "indicators": ("query", "Show addresses, names and digests found in it."),
        "indicator": ("indicator", "One value: each mention, what is beside it, other cases."),
        "search": ("query", "Find records by their words."),
        "searches": ("query", "List the searches that were kept under a name."),
        "chart": ("chart", "Show how people, accounts and hosts hang together; export it."),
        "coordinates": ("coordinates", "Show where records point to on Earth, and how exactly."),
        "links": ("query", "Show what other cases of the vault hold, too."),
        "disagreements": ("query", "Show where second readers say other than the parsers."),
        "marks": ("marks", "Show which files are on which list."),
        "campaigns": ("marks", "Show which texts and pictures are nearly the same."),
        "matches": ("marks", "Show which files match which YARA rule."),
        "hits": ("marks", "Show which records fit which Sigma rule."),
    },
    "Prove and hand over": {
        "item": ("item", "One item: what vouches for it, what is inside, a copy of it."),
        "custody": ("custody", "Read the custody log: who did what, when."),
        "verify": ("verify", "Check every object, entry and signature."),
        "anchors": ("vault", "Print what a court holds bundles to, for a second channel."),
        "statement": ("continuity", "State who held, read or copied an exhibit (PDF, JSON)."),
        "report": ("report", "Report reviewed findings: PDF and DOCX."),
        "log": ("log", "Have the log witnessed and stamped, serve it, show how far it is."),
        "bundle": ("bundle", "Write a folder that anybody can check."),
        "privilege": ("privilege", "Legal privilege: set apart, read by the filter team, decided."),
        "exposure": ("exposure", "Abuse material: who may look at it, and how much in a day."),
        "oversight": ("oversight", "For supervisors: what waits, what ends, what is unexamined."),
        "audit": ("oversight", "For auditors: who read, what left, what was refused."),
        "restricted": ("restricted", "Abuse material: what is restricted, who may be given it."),
        "check": ("check", "Check a bundle that was handed over."),
        "web": ("web", "Redacted copies of web captures: make one, check one."),
        "verify-script": ("bundle", "Print verify.sh as it is shipped."),
    },
    "Keep": {
        "backup": ("keeping", "Copy the vault; repeat it to bring the copy up to date."),
        "restore": ("keeping", "Put a backup back, or admit a loss."),
        "vault": ("stores", "Copy or move the objects to another store, name a replica."),
        "hold": ("erase", "Set, list and lift legal holds, which stop erasure."),
        "erase": ("erase", "Erase by order; another person must approve."),
        "requests": ("erase", "List what waits for another person's approval."),
        "request": ("erase", "Approve, refuse or withdraw what waits."),
        "rebuild": ("keeping", "Fold the database from the log again."),
    },
    "Serve": {
        "serve": ("serve", "Serve the workbench: cases and evidence in a browser."),
        "account": ("account", "Who signs in to the workbench, and how."),
        "token": ("account", "Tokens of programs that act for you."),
    },
    "Watch others' logs": {
        "witness": ("witness", "Countersign logs of others: a program of its own."),
        "monitor": ("monitor", "Compare what a log shows in several places."),
    },
}
"""Each command by what it is for: its module in `holdfast.cli.commands`, and a line of help, which
stands here so that listing the commands loads none of them."""

COMMANDS = {
    name: module for commands in SECTIONS.values() for name, (module, _) in commands.items()
}


INTERRUPTED = 128 + signal.SIGINT

_NO_SUCH_PLACE = {
    errno.ELOOP,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOTDIR,
}
"""A path that was named and can't be one, wherever in the work it was met."""


class Commands(click.Group):
    """Loads a command's module only when the command is called."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return every command's name."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Return the command, or None."""
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"holdfast.cli.commands.{COMMANDS[name]}")
        function = f"{name}_" if keyword.iskeyword(name) else name.replace("-", "_")
        command: click.Command = getattr(module, function)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by what they are for."""
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, line) for name, (_, line) in commands.items()])


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--vault", metavar="DIR", help="The vault; else HOLDFAST_VAULT.")
@click.option("--operator", metavar="NAME", help="Who acts; else HOLDFAST_OPERATOR, else login.")
@click.option("--key", metavar="FILE", help="Your own key; else HOLDFAST_KEY, else the keyring's.")
@click.option("--server", metavar="URL", help="Ask this server; with the token HOLDFAST_TOKEN.")
@click.version_option(__version__, prog_name="holdfast")
@click.pass_context
def holdfast(
    ctx: click.Context,
    vault: str | None,
    operator: str | None,
    key: str | None,
    server: str | None,
) -> None:
    """Collect digital evidence so that it stands up in court, and prove that it is unchanged.

    Start with `holdfast init --vault DIR --operator NAME`.

    Exit codes: 0 done, 2 usage, 3 the input, 4 no authority, 5 integrity, 6 another machine, 7 this
    machine, 8 contention, 10 a change (where an option asks), 70 a fault in Holdfast, 130
    interrupted.
    """
    check_text(ctx)
    ctx.obj = {"vault": vault, "operator": operator, "key": key, "server": server}


def main() -> None:
    """Run the command line; never show a traceback unless HOLDFAST_DEBUG is set."""
    patient_collector()
    interrupts.wait_for_imports()
    code = run(sys.argv[1:])
    interrupts.stop_waiting()
    if code == INTERRUPTED:
        # All is closed by now. What libraries do when the interpreter ends may have been cut short
        # in the middle, and complains.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command; return its exit code."""
    try:
        result: Any = holdfast.main(arguments, prog_name="holdfast", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        told = io.StringIO()
        error.show(file=told)
        # It repeats what was typed, or what a shell put there for a `*`: names of files.
        for line in told.getvalue().splitlines():
            click.echo(printable(line), err=True)
        return error.exit_code
    except click.ClickException as error:
        click.echo(f"holdfast: {printable(_misused(error))}", err=True)
        return error.exit_code
    except BrokenPipeError:
        # The reader has left (`| head`); there is nobody to tell, and nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except SystemExit:
        # How click says that the reader has left while it was writing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except BaseException as error:  # noqa: BLE001 - the outermost edge: a line, not a traceback
        if os.environ.get("HOLDFAST_DEBUG"):
            traceback.print_exc()
        message, code = _explain(error)
        click.echo(f"holdfast: {printable(message)}", err=True)
        return code
    return result if isinstance(result, int) else 0


def _misused(error: click.ClickException) -> str:
    """Return what to tell of a command line that was not understood, in one line."""
    what = error.format_message().strip().rstrip(".").replace(". Did you", "; did you")
    where = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, click.exceptions.NoSuchCommand) and where is not None:
        known = where.command.list_commands(where) if isinstance(where.command, click.Group) else []
        near = difflib.get_close_matches(error.command_name, known, 1)
        what += f"; did you mean {near[0]!r}?" if near and "; " not in what else ""
    if where is None or "; " in what:
        return f"{what[:1].lower()}{what[1:]}"
    return f"{what[:1].lower()}{what[1:]}; see `{where.command_path} --help`"


def _explain(error: BaseException) -> tuple[str, int]:
    """Return what to tell of an error, and the exit code that says whose fault it is."""
    if isinstance(error, HoldfastError):
        return str(error), error.exit_code
    if isinstance(error, (click.exceptions.Abort, KeyboardInterrupt)):
        return (
            "interrupted; what was recorded is kept, repeat the command to go on",
            INTERRUPTED,
        )
    if isinstance(error, OSError) and error.errno in _NO_SUCH_PLACE:
        place = "a path" if error.filename is None else os.fsdecode(error.filename)
        return f"{place[:200]} can't be used: {error.strerror}; name another place", 3
    if isinstance(error, PermissionError):
        return f"{error.filename} is not open to this account; run as the one that owns it", 7
    if isinstance(error, MemoryError):
        return "this machine has not enough memory for that; close other programs", 7
    return (
        f"a fault in Holdfast: {type(error).__name__}: {error}; your evidence is not changed by "
        "it; repeat with HOLDFAST_DEBUG=1 and report what it prints",
        70,
    )


if __name__ == "__main__":
    main()
