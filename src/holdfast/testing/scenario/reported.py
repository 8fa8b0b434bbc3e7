"""What other addressees handed in: the bank's mailing and another one in variants, and decoys.

A mailing is one text to many: each copy has its own name, number and link, and now and then a
sentence was written anew, so that filters would not know it. Beside the mails lie pictures: the
kit's banner as it was found in several places, resized, saved anew, cut a little, and pictures that
only look similar. Mails have the same bytes on every machine; pictures the same content, since
their bytes follow the library that writes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from holdfast.core.errors import InputError
from holdfast.testing.scenario import letters, mime, when
from holdfast.testing.scenario.dice import Dice
from holdfast.testing.scenario.story import tell
from holdfast.testing.scenario.when import MINUTE, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from holdfast.testing.scenario.letters import Letter
    from holdfast.testing.scenario.story import Story

BANK, PARCEL = 40, 25
"""Copies of each mailing."""
_REWRITTEN = 15
"""Percent of sentences that a copy has in other words."""
_NAMES = ("Astrid", "Bjørn", "Cathrine", "Dag", "Eli", "Finn", "Gro", "Hans", "Inger", "Jon")

_BANK = (
    ("At 06:12 today somebody tried to empty your savings account.",
     "This morning an unknown device attempted a transfer of all that you have saved."),
    ("We have blocked it for now (case {number}).",
     "For your safety the account was frozen under reference {number}."),
    ("To keep your money where it is, we have to know that it is you who is asking for it.",
     "Nobody but yourself can lift this block."),
    ("Please confirm who you are before 12:00:\n{link}",
     "Follow this personal address and identify yourself by noon:\n{link}"),
    ("After that time the account stays closed until you have visited a branch in person.",
     "Otherwise you will have to come to one of our offices with your passport."),
    ("Keep your telephone near: an adviser may call you.",
     "One of our staff will ring you in the course of the day, so stay available."),
    ("Do not speak to anyone about this while we investigate.",
     "As long as the matter is being looked into, please keep it to yourself."),
)  # fmt: skip
_PARCEL = (
    ("Your parcel {number} could not be delivered because customs were not paid.",
     "A consignment for you, {number}, is held at the border."),
    ("The outstanding fee is 19 kr and has to be settled within two working days.",
     "There is a small amount left to pay, 19 kr, by the day after tomorrow."),
    ("Pay by card here and choose a new day for the delivery:\n{link}",
     "You can settle it online and pick a time that suits you:\n{link}"),
    ("If nobody pays, the sender gets the goods back and storage is charged to you.",
     "Unclaimed goods are returned, and you will be billed for the warehouse."),
    ("Thank you for choosing Fjordpakke, the carrier of the coast.",
     "Fjordpakke wishes you a pleasant day by the sea."),
)  # fmt: skip
_HONEST = (
    "Dear customer,\n\nnext month the branch in Fjordby moves to the house beside the library. "
    "Until then it is open from Monday to Thursday. Savings accounts and cards are not concerned, "
    "and you need not do anything. We look forward to coffee and cake on the first day.\n",
    "Dear customer,\n\nmany have told us of mail in our name which says that a savings account is "
    "blocked. It is not from us. We never send links, never ask who you are by mail, and no "
    "adviser of ours will ever tell you to move money. If you have typed anything, call the number "
    "on your card.\n",
)


@dataclass(frozen=True)
class Reports:
    """What lies in the folder, by what each file belongs to."""

    files: dict[str, str]
    """Name to mailing or picture: `bank`, `parcel`, `banner`, `photo`; empty for decoys."""

    def of(self, what: str) -> set[str]:
        """Return the names of the files that belong together under this name."""
        return {name for name, belongs in self.files.items() if belongs == what}


def write_reports(folder: Path, *, seed: int = 7) -> Reports:
    """Write what was reported into `folder`, which is made or must be empty; return the truth.

    Raises:
        InputError: the folder has something in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise InputError(f"{folder} is not empty", "name a folder that is new or empty")
    story, files = tell(seed), dict[str, str]()
    for name, belongs, data in _mails(story):
        (folder / name).write_bytes(data)
        files[name] = belongs
    for name, belongs, picture, quality in _pictures(seed):
        if quality:
            picture.save(folder / name, quality=quality)
        else:
            picture.save(folder / name)
        files[name] = belongs
    return Reports(files)


def _mails(story: Story) -> list[tuple[str, str, bytes]]:
    dice = story.dice("reported")
    found: list[tuple[str, Letter]] = []
    for _ in range(BANK):
        link = f"https://{story.fraud.link_domain}/r/{dice.hex(12)}"
        body = _copy(dice, _BANK, "Nordlys Sparebank, trygg på nett", link)
        address = f"sikkerhet@{story.bank.domain}"
        found.append(("bank", _letter(story.bank.name, address, "Your account is blocked", body)))
    for _ in range(PARCEL):
        body = _copy(dice, _PARCEL, "Fjordpakke", f"https://toll-na.test/{dice.hex(8)}")
        found.append(("parcel", _letter("Fjordpakke", "toll@toll-na.test", "Your parcel", body)))
    name, address = story.bank.name, story.bank.notices
    found += [("", _letter(name, address, "From your bank", body)) for body in _HONEST]
    found += [("", kind(dice)) for kind in letters.KINDS]
    order = sorted(range(len(found)), key=lambda _: dice.below(1 << 30))
    mails = []
    for number, at in enumerate(order, 1):
        belongs, letter = found[at]
        sent = story.times.mail_sent + number * MINUTE + dice.below(60) * SECOND
        mails.append((f"report-{number:03d}.eml", belongs, _message(dice, letter, sent)))
    return mails


def _copy(dice: Dice, sentences: tuple[tuple[str, str], ...], signed: str, link: str) -> str:
    """Return one copy of a mailing."""
    number = f"NS-{dice.between(20000, 99999)}"
    chosen = [two[dice.chance(_REWRITTEN)] for two in sentences]
    lines = [one.format(number=number, link=link) for one in chosen]
    return f"Dear {dice.pick(_NAMES)},\n\n" + "\n\n".join(lines) + f"\n\n{signed}\n"


def _letter(name: str, email: str, subject: str, body: str) -> Letter:
    return letters.Letter(
        mime.phrase(name), email, mime.phrase(subject),
        mime.text(body, "utf-8", "quoted-printable"),
    )  # fmt: skip


def _message(dice: Dice, letter: Letter, sent: int) -> bytes:
    head = (
        f"Message-ID: <{dice.hex(16)}@{letter.email.partition('@')[2]}>",
        f"Date: {when.mail(sent)}",
        f"From: {letter.name} <{letter.email}>",
        f"To: {dice.hex(6)}@fjordpost.example",
        f"Subject: {letter.subject}",
        *letter.headers,
        "MIME-Version: 1.0",
    )
    return "".join(line + "\n" for line in head).encode("ascii") + bytes(letter.part)


def _pictures(seed: int) -> list[tuple[str, str, Image.Image, int]]:
    """Return name, what it belongs to, the picture, and the quality of a JPEG."""
    found: list[tuple[str, str, Image.Image, int]] = []
    for what, size in (("banner", (640, 240)), ("photo", (480, 360))):
        whole = _drawn(Dice(seed, what), size)
        width, height = size
        for number, (change, form, quality) in enumerate(_CHANGES):
            changed = change(whole, width, height)
            found.append((f"{what}-{number}.{form}", what, changed, quality))
    found += [
        (f"other-{number}.png", "", _drawn(Dice(seed, f"other {number}"), (480, 360)), 0)
        for number in range(12)
    ]
    found.append(("blank.png", "", Image.new("RGB", (200, 200), "white"), 0))
    found.append(("blank-2.png", "", Image.new("RGB", (300, 100), "white"), 0))
    return found


_Change = tuple["Callable[[Image.Image, int, int], Image.Image]", str, int]
_CHANGES: tuple[_Change, ...] = (
    (lambda whole, _w, _h: whole, "png", 0),
    (lambda whole, w, h: whole.resize((w // 2, h // 2)), "png", 0),
    (lambda whole, w, h: whole.resize((w * 3 // 2, h * 3 // 2)), "png", 0),
    (lambda whole, _w, _h: whole, "jpg", 85),
    (lambda whole, _w, _h: whole, "jpg", 25),
    (lambda whole, w, h: whole.resize((w // 3, h // 3)), "jpg", 60),
    (lambda whole, w, h: whole.crop((w // 50, h // 50, w - w // 50, h - h // 50)), "png", 0),
    (lambda whole, _w, _h: whole.convert("L"), "png", 0),
)
"""Resized, saved anew, cut by a fiftieth at each side, without its colours."""


def _drawn(dice: Dice, size: tuple[int, int]) -> Image.Image:
    """Return a picture of boxes and discs."""
    picture = Image.new("RGB", size, _colour(dice))
    draw = ImageDraw.Draw(picture)
    for number in range(18):
        left, top = dice.below(size[0]), dice.below(size[1])
        box = (
            left,
            top,
            left + dice.between(20, size[0] // 3),
            top + dice.between(20, size[1] // 3),
        )
        if number % 2:
            draw.ellipse(box, fill=_colour(dice))
        else:
            draw.rectangle(box, fill=_colour(dice))
    return picture


def _colour(dice: Dice) -> tuple[int, int, int]:
    return dice.below(256), dice.below(256), dice.below(256)
