"""`collect profile`, `collect profile-pages`: pages of persons need another person's approval."""

from __future__ import annotations

import click

from holdfast.cli.common import CASE, JSON, Where, emit, say, where


@click.command("profile")
@where
@CASE
@click.option(
    "--reason", required=True, metavar="TEXT", help="Why it must be, and is in proportion."
)
@click.argument("url", metavar="URL")
@JSON
def profile(place: Where, *, case: str, url: str, reason: str, as_json: bool) -> None:
    """Ask that a person's page on a social network may be captured; another person approves.

    The approval is for this very page and what lies below it, in this case.

    \b
    Example:
      holdfast collect profile --case 2026-0001 --reason "sells the goods there" \\
        https://facebook.com/some.one
    """
    from holdfast.acts.profiling import RequestProfile, request_profile  # noqa: PLC0415

    with place.session() as session:
        asked = request_profile(session, RequestProfile(case, url, reason))
    if as_json:
        emit(asked.as_json())
    else:
        say(f"Asked by entry {asked.entry}; another person approves it:")
        say(f"  holdfast request approve {asked.entry}")


@click.command("profile-pages")
@where
@click.option("--add", "added", multiple=True, metavar="PATTERN", help="HOST/PATH, with * in it.")
@click.option("--remove", "removed", multiple=True, metavar="PATTERN",
              help="Only by who may approve.")  # fmt: skip
@JSON
def profile_pages(
    place: Where, *, added: tuple[str, ...], removed: tuple[str, ...], as_json: bool
) -> None:
    """List, or change, which pages count as a person's: for the whole unit, by an entry.

    \b
    Example:
      holdfast collect profile-pages --add "social.example/u/*"
    """
    from holdfast.acts.profiling import MarkProfiles, mark_profiles, patterns  # noqa: PLC0415

    with place.session() as session:
        if added or removed:
            found = mark_profiles(session, MarkProfiles(added, removed))
        else:
            session.vault.current()
            found = patterns(session)
    for one in found.texts:
        if as_json:
            emit({"pattern": one})
        else:
            say(one)
