"""Where Ingrid goes on the web on an ordinary day: sites, titles and searches, all fictional."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from holdfast.testing.scenario import chromium
from holdfast.testing.scenario.chromium import CHAIN_END, LINK, TYPED, WHOLE
from holdfast.testing.scenario.visit import Download, Visit
from holdfast.testing.scenario.when import HOUR, MINUTE, SECOND

if TYPE_CHECKING:
    from holdfast.testing.scenario.dice import Dice
    from holdfast.testing.scenario.story import Story


@dataclass(frozen=True)
class Site:
    """A site, with the pages that can be met on it."""

    home: str
    name: str
    path: str
    """Appended to `home`, with `{n}` for the page's number."""
    title: str
    """The page's title, with `{what}`."""
    whats: tuple[str, ...]
    pages: int


SEARCH = "https://sok.example/search?q="
WEBMAIL = "https://post.fjordpost.example/mail/"

SITES = (
    Site(
        "https://nordnytt.example/", "Nordnytt", "nyheter/2026/{n}", "{what} - Nordnytt",
        ("Rasfare på riksveien", "Ny ferje i drift", "Snøen kommer tilbake", "Slik blir påsken",
         "Fisket er i gang", "Svindel mot eldre øker"), 400,
    ),
    Site(
        "https://strikk.example/", "Strikk.example", "oppskrift/{n}", "{what} | Strikk",
        ("Votter med rose", "Barnegenser", "Sokker i to farger", "Sjal i hullmønster"), 240,
    ),
    Site(
        "https://veret.example/", "Været", "sted/fjordby/time/{n}", "Været i Fjordby: {what}",
        ("time for time", "langtidsvarsel", "kysten"), 24,
    ),
    Site(
        "https://slekt.example/", "Slekt", "kirkebok/{n}", "{what} - Slekt",
        ("Døpte 1871", "Viede 1902", "Folketelling 1910", "Emigranter fra Fjordby"), 300,
    ),
    Site(
        "https://oppskrift.example/", "Oppskrift", "rett/{n}", "{what} - oppskrift",
        ("Fiskesuppe", "Sveler", "Lammestek", "Rabarbrakake"), 120,
    ),
    Site(
        "https://rutebaten.example/", "Rutebåten", "rute/{n}", "Rutetabell: {what}",
        ("Fjordby-Ytterøy", "Nordkysten", "Påsketrafikk"), 30,
    ),
    Site(
        "https://fjordby.example/bibliotek/", "Biblioteket", "bok/{n}", "{what} (bibliotek)",
        ("Krim fra nord", "Reiser i Japan", "日本の旅", "Чайка и другие рассказы"), 200,
    ),
)  # fmt: skip

SEARCHES = (
    "sveler oppskrift", "vær fjordby helgen", "strikke votter åttebladsrose", "ferje påske 2026",
    "hva betyr gotisk skrift", "katt spiser ikke", "billig ull", "vondt i kneet gå tur",
    "Emigranter fra Fjordby 1882", "hvordan sende bilder på e-post", "kor konsert april",
    "legevakt fjordby telefon",
)  # fmt: skip

FILES = (
    ("https://strikk.example/filer/oppskrift-{n}.pdf", "oppskrift-{n}.pdf", "application/pdf"),
    ("https://slekt.example/skann/side-{n}.png", "side-{n}.png", "image/png"),
    ("https://rutebaten.example/tabell/{n}.pdf", "rutetabell-{n}.pdf", "application/pdf"),
    ("https://kor.example/noter/{n}.pdf", "Noter våren {n}.pdf", "application/pdf"),
)
"""What she downloads: URL, name, MIME type."""


def page(dice: Dice, site: Site) -> tuple[str, str]:
    """Return the URL and the title of a page; the same page has the same title."""
    number = dice.below(site.pages)
    return (
        site.home + site.path.format(n=1000 + number * 7),
        site.title.format(what=site.whats[number % len(site.whats)]),
    )


def search(dice: Dice) -> tuple[str, str, str]:
    """Return the URL, the title and the words of a search."""
    words = dice.pick(SEARCHES)
    return SEARCH + quote_plus(words), f"{words} - Søk", words


def visits(story: Story, dice: Dice, count: int) -> list[Visit]:
    """Return visits in sittings: one is typed, searched or picked, links follow from it."""
    made: list[Visit] = []
    while len(made) < count:
        time = dice.waking_time(story.times.start, story.times.end - 2 * HOUR)
        synced = dice.chance(5)
        visit: Visit | None = None
        site = dice.pick(SITES)
        for _ in range(min(dice.between(1, 14), count - len(made))):
            stay = dice.between(4 * SECOND, 6 * MINUTE)
            visit = _next(dice, site, time, visit) if visit else _opening(dice, site, time)
            visit.stay, visit.synced = stay, synced
            made.append(visit)
            time += stay
    return made


def _opening(dice: Dice, site: Site, time: int) -> Visit:
    throw = dice.below(10)
    if throw < 3:
        url, title, words = search(dice)
        how = chromium.GENERATED | WHOLE | chromium.FROM_ADDRESS_BAR
        return Visit(time, url, title, how, words=words)
    if throw < 4:
        return Visit(time, WEBMAIL + "inbox", "Innboks - Fjordpost", TYPED | WHOLE)
    if throw < 6:
        return Visit(time, site.home, site.name, chromium.BOOKMARK | WHOLE)
    return Visit(time, site.home, site.name, TYPED | WHOLE | chromium.FROM_ADDRESS_BAR)


def _next(dice: Dice, site: Site, time: int, before: Visit) -> Visit:
    throw = dice.below(20)
    if throw == 0:
        return Visit(time, before.url, before.title, chromium.RELOAD | WHOLE)
    if throw == 1 and before.before is not None:
        back = before.before
        return Visit(time, back.url, back.title, LINK | WHOLE | chromium.FORWARD_BACK, before)
    if throw == 2:
        frame = f"{site.home}ramme/{dice.between(1, 9)}"
        return Visit(time, frame, "", chromium.SUBFRAME | WHOLE, before)
    if throw == 3:
        how = LINK | CHAIN_END | chromium.CLIENT_REDIRECT
        return Visit(time, f"{site.home}videre/{dice.between(1, 40)}", site.name, how, before)
    url, title = page(dice, site)
    return Visit(time, url, title, LINK | WHOLE, before)


def downloads(story: Story, dice: Dice, count: int) -> list[Download]:
    """Return downloads, most of them complete; the files themselves aren't in the evidence."""
    made = []
    for time in dice.waking_times(count, story.times.start, story.times.end - HOUR):
        url, name, mime = dice.pick(FILES)
        n = dice.between(100, 999)
        state = dice.pick((chromium.COMPLETE,) * 8 + (chromium.CANCELLED, chromium.INTERRUPTED))
        data = dice.hex(dice.between(900, 9000)).encode("ascii")
        site = url.partition("/")[2].partition("/")[2].partition("/")[0]
        made.append(
            Download(
                time, (url.format(n=n),), f"https://{site}/", name.format(n=n), mime, data,
                state=state,
            )
        )  # fmt: skip
    return made
