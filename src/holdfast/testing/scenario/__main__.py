"""`python -m holdfast.testing.scenario DIR`: write the scenario's evidence and tell its plot."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from holdfast.core.errors import HoldfastError, InputError, printable
from holdfast.testing.scenario import when
from holdfast.testing.scenario.captured import write_capture
from holdfast.testing.scenario.generate import SCALES, Size, write
from holdfast.testing.scenario.reported import write_reports


@click.command(name="python -m holdfast.testing.scenario")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--seed", default=7, show_default=True, help="Another number, another case.")
@click.option(
    "--size",
    type=click.Choice(list(SCALES)),
    default="medium",
    show_default=True,
    help="How much everyday noise lies around the plot.",
)
@click.option(
    "--truth",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the ground truth as JSON here; it must lie outside DIR.",
)
@click.option(
    "--capture",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the fake bank's page, as another unit captured it (WARC), here; outside DIR.",
)
@click.option(
    "--reports",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write what other addressees handed in (mails, pictures) here; outside DIR.",
)
def main(
    *, folder: Path, seed: int, size: str, truth: Path | None, capture: Path | None,
    reports: Path | None,
) -> None:  # fmt: skip
    """Write the evidence of a made-up phishing case into DIR, which must be new or empty.

    A pensioner's mailbox, browser history and documents, and the logs of the web server she was
    sent to. All people, banks, addresses and numbers are invented.
    """
    try:
        if truth and truth.resolve().is_relative_to(folder.resolve()):
            raise click.UsageError("--truth must lie outside DIR: the truth is no evidence")
        if capture and capture.resolve().is_relative_to(folder.resolve()):
            raise click.UsageError("--capture must lie outside DIR: it was not seized")
        if reports and reports.resolve().is_relative_to(folder.resolve()):
            raise click.UsageError("--reports must lie outside DIR: they were not seized")
        if capture and capture.exists():
            raise InputError(f"{capture} exists already", "name another file")
        known = write(folder, seed=seed, size=cast("Size", size))
        if truth:
            truth.write_text(known.to_json(), "ascii")
        if capture:
            write_capture(capture, seed=seed)
        if reports:
            write_reports(reports, seed=seed)
    except HoldfastError as error:
        click.echo(f"error: {printable(str(error))}", err=True)
        raise SystemExit(error.exit_code) from None
    click.echo(f"{folder}: {len(known.files)} files, seed {known.seed}\n")
    for file in known.files:
        counts = ", ".join(f"{value} {name}" for name, value in file.counts.items())
        click.echo(
            f"  {printable(file.path)}  {file.size:,} bytes" + f"  ({counts})" * bool(counts)
        )
    for name in known.left_out:
        click.echo(f"  {printable(name)}  left out: this filesystem refuses the name")
    click.echo("\nWhat happened (local time, +01:00):\n")
    for step in known.plot:
        moment = when.local(step.time)
        click.echo(f"  {moment:%Y-%m-%d %H:%M:%S}  {step.what}\n      {step.seen_in}")
    if not truth:
        click.echo("\nThe full truth, with offsets and indicators: add --truth FILE.")


if __name__ == "__main__":
    main()
