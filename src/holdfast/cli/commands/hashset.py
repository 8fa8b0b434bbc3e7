"""`hashset`: lists of known files and values that cases are held against."""

from __future__ import annotations

from pathlib import Path

import click

from holdfast.cli.common import JSON, Where, emit, progress, say, warn, where

_KINDS = ("known-good", "known-bad", "abuse")
_FORMATS = ("nsrl", "list", "csv", "vics", "misp")
_ALGORITHMS = ("md5", "sha1", "sha256")
_VALUES = ("domain", "email", "ipv4", "ipv6", "url")


@click.group()
def hashset() -> None:
    """Lists of known files: NSRL, plain lists, CSV, Project VIC, MISP. They belong to no case.

    What is on one is marked when a case is examined; nothing is taken away. Files on a list of
    the kind `abuse` are shown to nobody: see `holdfast restricted`.
    """


@hashset.command()
@where
@click.argument("path", metavar="LIST", type=Path)
@click.option("--name", required=True, metavar="NAME", help="What marks call it.")
@click.option("--kind", required=True, type=click.Choice(_KINDS), help="What its files are.")
@click.option("--origin", required=True, metavar="TEXT", help="Who publishes it, where from.")
@click.option("--version", required=True, metavar="TEXT", help="The publisher's own word for it.")
@click.option("--licence", default="", metavar="TEXT", help="Under what terms it may be used.")
@click.option("--date", required=True, metavar="DATE", help="Of its publication.")
@click.option("--format", "form", default="", metavar="F", type=click.Choice(("", *_FORMATS)),
              help=f"{', '.join(_FORMATS)}; found out by how it begins, if left out.")  # fmt: skip
@click.option("--algorithm", "algorithms", multiple=True, type=click.Choice(_ALGORITHMS),
              help="Take these only; repeat. Of NSRL, SHA-256 if left out.")  # fmt: skip
@click.option("--category", "categories", multiple=True, type=click.IntRange(0), metavar="N",
              help="Of Project VIC: media of this category only; repeat.")  # fmt: skip
@click.option("--values", default="", type=click.Choice(("", *_VALUES)), metavar="KIND",
              help=f"It lists values ({', '.join(_VALUES)}), not files.")  # fmt: skip
@JSON
def add(
    place: Where,
    *,
    path: Path,
    name: str,
    kind: str,
    origin: str,
    version: str,
    licence: str,
    date: str,
    form: str,
    algorithms: tuple[str, ...],
    categories: tuple[int, ...],
    values: str,
    as_json: bool,
) -> None:
    """Add a list; every examination from now on marks what is on it.

    \b
    Example:
      holdfast hashset add RDS_2026.09.1_modern.db --name "NSRL modern" --kind known-good \\
        --origin nsrl.nist.gov --version 2026.09.1 --date 2026-09-12
    """
    from holdfast.acts import hashsets as acts  # noqa: PLC0415
    from holdfast.examine.hashsets.shelf import Described  # noqa: PLC0415

    described = Described(
        name=name, kind=kind, origin=origin, version=version, licence=licence, date=date
    )
    request = acts.AddSet(str(path), described, form, algorithms, categories, values)
    with place.session() as session, progress("Reading", "digests") as session.progress:
        made = acts.add_set(session, request)
    if as_json:
        emit(made.as_json())
        return
    counts = ", ".join(f"{count} {name}" for name, count in sorted(made.counts.items()))
    say(f"Added {name}: {counts}")
    say(f"set {made.digest}")


@hashset.command("list")
@where
@JSON
def list_(place: Where, *, as_json: bool) -> None:
    """List what files are held against.

    \b
    Example:
      holdfast hashset list
    """
    from holdfast.acts import hashsets as acts  # noqa: PLC0415

    with place.session() as session:
        found = acts.sets(session)
    for row in found:
        if as_json:
            emit(row)
            continue
        counts = row["counts"]
        many = sum(counts.values()) if isinstance(counts, dict) else 0  # type: ignore[arg-type]
        say(f"{str(row['set'])[:16]}  {row['kind']:<10}  {many:>11}  {row['name']}")
        if not row["here"]:
            warn(f"{row['name']} is in the log and not on disk: add the list again")


@hashset.command()
@where
@click.argument("name", metavar="NAME")
@click.option("--reason", required=True, metavar="TEXT", help="Why it is removed.")
@JSON
def remove(place: Where, *, name: str, reason: str, as_json: bool) -> None:
    """Remove a list, by its name or digest; items that it restricted stay restricted.

    \b
    Example:
      holdfast hashset remove "NSRL modern" --reason "replaced by 2026.12.1"
    """
    from holdfast.acts import hashsets as acts  # noqa: PLC0415

    with place.session() as session:
        gone = acts.remove_set(session, acts.RemoveSet(name, reason))
    if as_json:
        emit(gone.as_json())
    else:
        say(f"Removed {gone.name}; marks by it go when a case is examined again")
