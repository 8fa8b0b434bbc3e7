# ruff: noqa: RUF001 - letters that look like Latin ones are what a mailbox in five scripts has
"""The rest of Ingrid's post: what family, shops, clubs and cheats wrote, in five scripts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.testing.scenario import mime
from holdfast.testing.scenario.attachments import pdf, png

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.testing.scenario.dice import Dice
    from holdfast.testing.scenario.mime import Part


@dataclass(frozen=True)
class Letter:
    """A message before it has travelled."""

    name: str
    """The sender's name as it stands in the header, encoded."""
    email: str
    subject: str
    """As it stands in the header, encoded."""
    part: Part
    verdict: str = "pass"
    """What the receiving server thought of SPF and DMARC: pass, softfail, fail or none."""
    headers: tuple[str, ...] = ()


def family(dice: Dice) -> Letter:
    """Return a note from a relative, in Latin-1, at times with a photograph."""
    name, email = dice.pick(_FAMILY)
    lines = _several(dice, _FAMILY_LINES, 2, 4)
    body = "Hei bestemor!\n\n" + "\n".join(lines) + "\n\n" + dice.pick(_CLOSINGS) + "\n" + name
    note = mime.text(body + "\n", "iso-8859-1", dice.pick(("quoted-printable", "8bit")))
    if dice.chance(35):
        colour = (dice.below(200), dice.below(200), dice.below(200))
        photo = mime.attachment(dice.pick(_PHOTOS), "image/png", png(*colour))
        note = mime.multipart("mixed", _boundary(dice), note, photo)
    subject = mime.phrase(dice.pick(_FAMILY_SUBJECTS), "iso-8859-1", "Q")
    return Letter(mime.phrase(name, "iso-8859-1", "Q"), email, subject, note)


def newsletter(dice: Dice) -> Letter:
    """Return a newsletter: HTML only, or with a plain alternative."""
    name, email, host = dice.pick(_NEWSLETTERS)
    subject, number = dice.pick(_NEWS), dice.between(10, 99)
    items = _several(dice, _NEWS_LINES, 3, 6)
    html = "".join(
        f'<p>{line} <a href="https://{host}/nytt/{dice.between(100, 999)}">Les mer</a></p>\n'
        for line in items
    )
    page = f"<html><head><title>{subject}</title></head><body>\n<h1>{subject}</h1>\n{html}"
    page += (
        f'<img src="https://{host}/open/{dice.hex(8)}.png" width="1" height="1"></body></html>\n'
    )
    part = mime.text(page, "utf-8", dice.pick(("base64", "quoted-printable")), "html")
    if dice.chance(45):
        plain = mime.text("\n".join(items) + "\n", "utf-8", "8bit")
        part = mime.multipart("alternative", _boundary(dice), plain, part)
    headers = (f"List-Id: <nytt.{host}>", f"List-Unsubscribe: <https://{host}/av/{dice.hex(6)}>")
    return Letter(
        mime.phrase(name), email, mime.phrase(f"{subject} nr. {number}"), part, headers=headers
    )


def invoice(dice: Dice) -> Letter:
    """Return an invoice with a PDF."""
    name, email, what = dice.pick(_BILLERS)
    number, sum_ = (
        dice.between(100_000, 999_999),
        f"{dice.between(120, 2400)},{dice.below(100):02d}",
    )
    body = f"Faktura {number} for {what} er vedlagt.\nBeløp: {sum_} kr\nForfall: 25.03.2026\n"
    sheet = pdf(name, f"Faktura {number}", what, f"Sum {sum_} kr")
    part = mime.multipart(
        "mixed",
        _boundary(dice),
        mime.text(body, "utf-8", "quoted-printable"),
        mime.attachment(f"faktura-{number}.pdf", "application/pdf", sheet),
    )
    return Letter(mime.phrase(name), email, mime.phrase(f"Faktura {number} fra {name}"), part)


def choir(dice: Dice) -> Letter:
    """Return a list mail with lines that begin with 'From ', which an mbox must quote."""
    name = dice.pick(("Solveig Aas", "Per Nygaard", "Liv Strand"))
    body = "\n".join(
        (
            "Dear singers,",
            "",
            *_several(dice, _CHOIR_LINES, 2, 3),
            "",
            dice.pick(_FROM_LINES),
            "",
            "> " + dice.pick(_CHOIR_LINES),
            ">From the last mail: bring a pencil.",
            "",
            name,
        )
    )
    part = mime.text(body + "\n", "us-ascii", "7bit")
    if dice.chance(30):
        words = b"Sopran og alt: side 4\nTenor og bass: side 6\n"
        sheet = mime.attachment("øvingsplan.txt", "text/plain; charset=utf-8", words)
        part = mime.multipart("mixed", _boundary(dice), part, sheet)
    return Letter(
        name,
        "fjordkoret@kor.example",
        f"[Fjordkoret] {dice.pick(_CHOIR_SUBJECTS)}",
        part,
        headers=("List-Id: Fjordkoret <fjordkoret.kor.example>",),
    )


def russian(dice: Dice) -> Letter:
    """Return a letter from a friend across the border, in Windows-1251."""
    lines = _several(dice, _RUSSIAN_LINES, 2, 4)
    body = "Дорогая Ингрид!\n\n" + "\n".join(lines) + "\n\nТвоя Вера\n"
    part = mime.text(body, "windows-1251", dice.pick(("base64", "8bit", "quoted-printable")))
    subject = mime.phrase(dice.pick(_RUSSIAN_SUBJECTS), "windows-1251")
    name = mime.phrase("Вера Полякова", "windows-1251")
    return Letter(name, "vera.polyakova@belomor.example", subject, part)


def japanese(dice: Dice) -> Letter:
    """Return a letter from a travel companion, in ISO-2022-JP: escapes, and no byte above 127."""
    lines = _several(dice, _JAPANESE_LINES, 2, 3)
    part = mime.text("\n".join(lines) + "\n\n佐藤 由美\n", "iso-2022-jp", "7bit")
    subject = mime.phrase(dice.pick(_JAPANESE_SUBJECTS), "iso-2022-jp")
    name = mime.phrase("佐藤 由美", "iso-2022-jp")
    return Letter(name, "yumi.sato@tabi.example", subject, part)


def arabic(dice: Dice) -> Letter:
    """Return a neighbour's note, right to left, in UTF-8."""
    lines = _several(dice, _ARABIC_LINES, 1, 3)
    part = mime.text("\n".join(lines) + "\n\nسمير\n", "utf-8", "base64")
    return Letter(
        mime.phrase("سمير حداد"), "samir@nabolag.example", mime.phrase("مرحبا يا جارتي"), part
    )


def parcel(dice: Dice) -> Letter:
    """Return a shop's or carrier's notice in plain ASCII."""
    number = f"FP{dice.between(10**8, 10**9 - 1)}XX"
    shop = dice.pick(("Garnkroken", "Fjell og Hage", "Bokbua", "Te og Krydder"))
    body = (
        f"Your parcel {number} from {shop} has {dice.pick(_PARCEL_STEPS)}.\n"
        f"Follow it at https://pakke.example/spor/{number}\n"
    )
    part = mime.text(body, "us-ascii", "7bit")
    return Letter("Fjordpakke", "varsel@pakke.example", f"Parcel {number}", part)


def bank(dice: Dice) -> Letter:
    """Return a harmless notice of the real bank, properly authenticated."""
    body = f"Hei Ingrid,\n\n{dice.pick(_BANK_LINES)}\n\nVi sender aldri lenker i e-post.\n"
    body += "Nordlys Sparebank\n"
    part = mime.text(body, "utf-8", "quoted-printable")
    return Letter(
        "Nordlys Sparebank", "varsel@nordlys-bank.example", dice.pick(_BANK_SUBJECTS), part
    )


def spam(dice: Dice) -> Letter:
    """Return an ordinary cheat's mail, which has nothing to do with the case."""
    name, subject, line = dice.pick(_SPAM)
    site = f"{dice.pick(_SPAM_SITES)}.test"
    page = (
        f'<html><body><p>{line}</p><a href="http://{site}/{dice.hex(6)}">Open</a></body></html>\n'
    )
    part = mime.multipart(
        "alternative",
        _boundary(dice),
        mime.text(f"{line}\nhttp://{site}/{dice.hex(6)}\n", "utf-8", "8bit"),
        mime.text(page, "utf-8", "base64", "html"),
    )
    verdict = dice.pick(("softfail", "fail", "none", "pass"))
    return Letter(
        mime.phrase(name), f"offer{dice.below(90)}@{site}", mime.phrase(subject), part, verdict
    )


KINDS: tuple[Callable[[Dice], Letter], ...] = (
    newsletter,
    choir,
    family,
    invoice,
    russian,
    japanese,
    arabic,
    parcel,
    bank,
    spam,
)
"""Each kind once; the mailbox has every kind before it has any twice."""

COMMON = (newsletter,) * 4 + (family,) * 3 + (choir,) * 2 + (parcel,) * 2 + (spam,) * 2 + KINDS
"""The kinds as often as they come."""


def _several(dice: Dice, lines: tuple[str, ...], low: int, high: int) -> list[str]:
    start, count = dice.below(len(lines)), dice.between(low, high)
    return [lines[(start + n) % len(lines)] for n in range(count)]


def _boundary(dice: Dice) -> str:
    return f"----=_Part_{dice.hex(16)}"


_FAMILY = (
    ("Jonas", "jonas@fjordpost.example"),
    ("Åse Lønning", "ase.lonning@fjordpost.example"),
    ("Marit Solbakken", "marit.solbakken@fjordpost.example"),
    ("Bjørn Sæther", "bjorn@saether.example"),
)
_FAMILY_SUBJECTS = ("Søndag", "Bilder fra hytta", "Påsken", "Håper du har det bra", "Bursdagen")
_FAMILY_LINES = (
    "Vi har kjørt oss fast i snøen igjen, men alle er blide.",
    "Tuva tok sine første skritt på tirsdag, rett bort til katten.",
    "Kan du ta med vaflene til søndag? Ingen lager dem som deg.",
    "Jonas spør om han kan få låne den blå sykkelen.",
    "Båten er på vannet, og motoren går som en klokke.",
    "Husk å ta medisinen din, og ring om det er noe.",
    "Vi sender noen bilder fra hytta. Se på ørreten!",
    "Påsken blir hos oss i år, med lam og røde pølser til barna.",
)
_CLOSINGS = ("Klem fra", "Hilsen", "Mange gode ønsker fra")
_PHOTOS = ("bilde-01.png", "hytta.png", "ørret på kroken.png", "Tuva.png")
_NEWSLETTERS = (
    ("Strikkeklubben", "nytt@strikk.example", "strikk.example"),
    ("Fjordby bibliotek", "bibliotek@fjordby.example", "fjordby.example"),
    ("Værvarselet", "varsel@veret.example", "veret.example"),
    ("Rutebåten", "ruter@rutebaten.example", "rutebaten.example"),
    ("Slekt & Hjem", "redaksjonen@slekt.example", "slekt.example"),
)
_NEWS = ("Ukens nytt", "Våren kommer", "For deg som er medlem", "Nye tider", "Månedens råd")
_NEWS_LINES = (
    "Nye farger i ull: mose, rav og isblå.",
    "Biblioteket holder åpent til klokken 20 på torsdager.",
    "Kuling fra nordvest langs kysten i natt, avtagende mot helgen.",
    "Ferjen går en ekstra tur på skjærtorsdag.",
    "Slik leser du gotisk håndskrift i gamle kirkebøker.",
    "Foredrag om fuglene på Vestlandet, gratis for medlemmer.",
    "Oppskrift: votter med åttebladsrose.",
    "Vi søker flere frivillige til lesestunden.",
)
_BILLERS = (
    ("Fjordby Strøm", "faktura@strom.example", "Strøm i februar"),
    ("Fjordby Bredbånd", "regning@bredband.example", "Bredbånd"),
    ("Bokbua", "ordre@bokbua.example", "To bøker"),
    ("Fjordby kommune", "post@fjordby.example", "Vann og avløp"),
)
_CHOIR_SUBJECTS = ("Rehearsal on Monday", "The spring concert", "New notes", "Who bakes?")
_CHOIR_LINES = (
    "The hall is cold, so dress for it.",
    "We begin with the second movement and go on to the folk songs.",
    "Two altos are ill; please come even if you are late.",
    "The priest has lent us the organ for the evening.",
    "Coffee afterwards, and somebody has promised a cake.",
)
_FROM_LINES = (
    "From now on we meet at six.",
    "From the harbour it is five minutes on foot.",
    ">From me to all of you: well sung.",
    "From Monday the side door is open.",
)
_RUSSIAN_SUBJECTS = ("Письмо из Мурманска", "С праздником!", "Как твоё здоровье?")
_RUSSIAN_LINES = (
    "У нас ещё лежит снег, но солнце уже тёплое.",
    "Внучка поступила в музыкальную школу.",
    "Спасибо за шерсть, я связала два шарфа.",
    "Помнишь, как мы пили чай на причале?",
    "Летом обязательно приезжай к нам.",
)
_JAPANESE_SUBJECTS = ("お元気ですか", "春の写真", "旅の思い出")
_JAPANESE_LINES = (
    "こちらは梅の花が咲きました。",
    "船から見たオーロラを今も思い出します。",
    "編み物を教えてくださってありがとうございました。",
    "来年また北の海へ行きたいです。",
)
_ARABIC_LINES = (
    "شكرا على الكعكة، كانت لذيذة جدا.",
    "سأصلح باب الحديقة يوم السبت.",
    "هل تحتاجين شيئا من السوق؟",
    "وصلتك رسالة إلى صندوقنا بالخطأ.",
)
_PARCEL_STEPS = ("been sent", "arrived at the shop by the quay", "been collected", "been delayed")
_BANK_SUBJECTS = ("Your statement is ready", "New opening hours", "Your card was renewed")
_BANK_LINES = (
    "Kontoutskriften for februar ligger i nettbanken.",
    "Filialen i Fjordby holder åpent mandag til torsdag.",
    "Det nye kortet ditt er sendt i posten.",
)
_SPAM = (
    ("Lykkehjulet", "Du har vunnet et gavekort!", "Hent gaven din før midnatt."),
    ("Dr. Bra", "Knærne som nye – uten lege", "Tusener smiler igjen."),
    ("Parcel Desk", "Your parcel waits for a fee", "Pay 19 kr and it comes tomorrow."),
    ("Crypto Nordlicht", "Aus 250 werden 9000", "Nur heute: der geheime Plan."),
    ("Prince's Office", "A confidential matter", "I write to you in trust about a large sum."),
)
_SPAM_SITES = ("gevinst-na", "kne-glede", "fee-desk", "nordlicht-plan", "trust-sum")
