"""What lies on Ingrid's machine: the instruction, the statement, and what people keep.

Names are bytes, since two of them are not what a program expects: one is not UTF-8, one has a
line end in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.testing.scenario import when
from holdfast.testing.scenario.truth import PaymentFact
from holdfast.testing.scenario.when import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from holdfast.testing.scenario.dice import Dice
    from holdfast.testing.scenario.story import Story


@dataclass(frozen=True)
class Document:
    """A file to be written."""

    name: bytes
    """Relative to the victim's folder."""
    data: bytes
    modified: int


@dataclass(frozen=True)
class Statement:
    """The account statement in CSV: Latin-1, semicolons, CRLF, as banks of the country have it."""

    data: bytes
    payment: PaymentFact


def build(story: Story, account_statement: Statement) -> list[Document]:
    """Return the documents, those with awkward names last."""
    times, fake = story.times, story.fake
    return [
        Document(
            b"Documents/payment-instruction.txt", _instruction(story), times.instruction_saved
        ),
        Document(
            b"Downloads/kontoutskrift-2026-03.csv",
            account_statement.data,
            times.statement_downloaded,
        ),
        Document(
            b"Downloads/" + fake.receipt.name.encode("ascii"),
            fake.receipt.data,
            times.receipt_downloaded,
        ),
        Document(b"Documents/Nordlys login.html", _saved_page(story), times.login_posted - MINUTE),
        Document(b"Documents/notes.txt", _notes(story), times.daughter_answered + 20 * MINUTE),
        Document(b"Documents/empty.txt", b"", times.start + 3 * DAY + 10 * HOUR),
        Document(
            "Documents/Påskeplaner.txt".encode(),
            "Skjærtorsdag: ferje 10:20\nLangfredag: lam hos Marit\nHusk røde pølser!\n".encode(),
            times.start + 6 * DAY + 11 * HOUR,
        ),
        Document(
            "Documents/brev til Åse.txt".encode("latin-1"),
            "Kjære Åse,\n\ntakk for sist! Søsteren din hadde rett om ørreten.\n\nIngrid\n".encode(
                "latin-1"
            ),
            times.start + 4 * DAY + 12 * HOUR,
        ),
        Document(
            b"Documents/shopping\nlist.txt",
            b"milk\nwool, the green one\ncat food\n",
            times.start + 5 * DAY + 9 * HOUR,
        ),
    ]


def statement(story: Story, path: str) -> Statement:
    """Return the statement of 1 March to the day after the payment."""
    dice = story.dice("statement")
    paid, payment = story.times.payment, story.payment
    first = when.midnight(story.times.start)
    rows = [
        _everyday(dice, time)
        for time in dice.waking_times(46, first, story.times.statement_downloaded - 10 * HOUR)
    ]
    rows.append((first + 9 * HOUR, "Pensjon mars", "", 2_348_900, "", "PENSJON"))
    stolen = (
        paid,
        f"Overføring til {story.fraud.mule}",
        story.fraud.mule_account,
        -payment.amount_minor,
        story.fraud.mule,
        payment.reference,
    )
    rows = sorted([*rows, stolen])
    balance = payment.amount_minor + dice.between(20_000, 90_000) * 100
    # The names are the bank's own: date, time, text, to account, out of, into the account, balance.
    lines = [
        f"Kontoutskrift;{story.victim.account};{story.victim.person.name}",
        "Dato;Klokkeslett;Tekst;Til konto;Ut av konto;Inn på konto;Saldo;Mottaker;Referanse",
    ]
    for time, text, account, amount, payee, reference in rows:
        balance += amount
        out, into = (_kroner(-amount), "") if amount < 0 else ("", _kroner(amount))
        t = when.local(time)
        lines.append(
            f"{t:%d.%m.%Y};{t:%H:%M};{text};{account};{out};{into};"
            f"{_kroner(balance)};{payee};{reference}"
        )
    number = 3 + rows.index(stolen)
    coded = [line.encode("latin-1") for line in lines]
    fact = PaymentFact(
        path, number, sum(len(line) + 2 for line in coded[: number - 1]), len(coded[number - 1]),
        paid // MINUTE * MINUTE, payment.amount_minor, payment.currency,
        story.fraud.mule, story.fraud.mule_account, payment.reference,
    )  # fmt: skip
    return Statement(b"".join(line + b"\r\n" for line in coded), fact)


def _everyday(dice: Dice, time: int) -> tuple[int, str, str, int, str, str]:
    payee, low, high = dice.pick(_SHOPS)
    amount = -dice.between(low, high) * 100 - dice.pick((0, 0, 50, 90))
    return (time, f"Varekjøp {payee}", "", amount, payee, f"KORT {dice.between(1000, 9999)}")


def _kroner(minor: int) -> str:
    return f"{minor // 100},{minor % 100:02d}"


def _instruction(story: Story) -> bytes:
    """What the voice dictated: the file that shows it was no mistake of hers."""
    amount = f"{story.payment.amount_minor // 100:,}".replace(",", " ")
    return (
        f"From {story.fraud.adviser}, department of account safety, tel. {story.fraud.phone}\n"
        f"Case {story.phishing.case_number}\n\n"
        "1. Log in to the bank as usual, in a new window.\n"
        f"2. New payment: {amount},00 {story.payment.currency}\n"
        f"3. To account: {story.fraud.mule_account}\n"
        f"4. Name: {story.fraud.mule}   (this is the bank's safe account)\n"
        f"5. Text: {story.payment.reference}\n"
        "6. Say yes to the warning, it comes by itself.\n"
        "7. Tell nobody until tomorrow, not family either!\n"
    ).encode()


def _notes(story: Story) -> bytes:
    """Her own notes, as Windows' editor saves 'Unicode': UTF-16, little endian, with a mark."""
    called, paid = when.local(story.times.call), when.local(story.times.payment)
    text = (
        f"Til politiet:\n\nHan ringte {called:%H:%M}, fra {story.fraud.phone}.\n"
        f"Sa han het {story.fraud.adviser} og var så høflig.\n"
        f"Jeg betalte {paid:%H:%M}. Han ble i telefonen hele tiden.\n"
        f"Lenken i e-posten: {story.phishing.link}\n"
        "Marit sier jeg ikke skal skamme meg. 🌷\n"
    )
    return b"\xff\xfe" + text.replace("\n", "\r\n").encode("utf-16-le")


def _saved_page(story: Story) -> bytes:
    """The fake login page as her browser saved it: Chromium writes the URL and its length."""
    url = story.fake.login
    return (
        f"<!DOCTYPE html>\n<!-- saved from url=({len(url):04d}){url} -->\n"
        '<html lang="nb"><head><meta charset="utf-8">'
        f"<title>{story.bank.name} - Logg inn</title></head>\n<body>\n"
        f"<h1>{story.bank.name}</h1>\n<p>Bekreft hvem du er.</p>\n"
        f'<form method="post" action="{story.fake.login_post}">\n'
        '<label>Fødselsnummer <input name="id"></label>\n'
        '<label>Passord <input name="pw" type="password"></label>\n'
        '<label>Telefon <input name="tel"></label>\n'
        f'<input type="hidden" name="t" value="{story.phishing.token}">\n'
        "<button>Neste</button></form>\n</body></html>\n"
    ).encode()


_SHOPS = (
    ("Fjordby Dagligvare", 60, 700), ("Apoteket ved kaia", 45, 400), ("Garnkroken", 90, 600),
    ("Rutebåten", 58, 220), ("Bakeriet", 30, 120), ("Bokbua", 149, 500),
    ("Fjordby Strøm", 400, 1900), ("Blomsterhjørnet", 79, 300),
)  # fmt: skip
