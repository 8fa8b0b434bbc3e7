"""The plot, from the seed alone: who, when, what was sent, what was clicked, what was paid.

A wool shop's web server is taken over by guessing a password. A page that looks like a bank's is
put on it, and mail in the bank's name goes out. Ingrid opens hers, follows the link, gives her
number, her code and her telephone number; a kind voice calls and helps her move her savings to
safety. That evening her daughter sees through it. Every file of evidence is told from this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.testing.scenario import people
from holdfast.testing.scenario.attachments import pdf
from holdfast.testing.scenario.dice import Dice
from holdfast.testing.scenario.when import DAY, HOUR, MINUTE, SECOND, march

if TYPE_CHECKING:
    from holdfast.testing.scenario.people import Bank, Fraud, Host, Person, Victim


@dataclass(frozen=True)
class Times:
    """When each step happened, in the order of the fields; microseconds since the epoch, UTC."""

    start: int
    """The first moment of the evidence."""
    password_guessed: int
    kit_unpacked: int
    kit_uploaded: int
    """The fraudster puts the receipt on the fake bank through the kit's own page."""
    kit_tested: int
    mail_sent: int
    mail_received: int
    mail_opened: int
    link_clicked: int
    login_posted: int
    code_posted: int
    receipt_downloaded: int
    panel_read: int
    """The fraudster looks at what Ingrid typed."""
    call: int
    instruction_saved: int
    payment: int
    bank_warning: int
    forwarded: int
    daughter_answered: int
    statement_downloaded: int
    reported: int
    seized: int
    """The host is taken off the net; its logs end."""
    end: int
    """Ingrid's machine is copied."""


@dataclass(frozen=True)
class Attachment:
    """A file that travels in the story."""

    name: str
    mime: str
    data: bytes


@dataclass(frozen=True)
class Phishing:
    """The mail that began it."""

    message_id: str
    subject: str
    case_number: str
    token: str
    """In the link, different for each addressee: joins the mail, the browser and the host's log."""
    link: str
    notice: Attachment


@dataclass(frozen=True)
class FakeBank:
    """The pages of the kit, as the browser and the log name them."""

    login: str
    login_post: str
    code: str
    code_post: str
    done: str
    receipt_get: str
    receipt_url: str
    receipt: Attachment


@dataclass(frozen=True)
class Payment:
    """What it cost."""

    amount_minor: int
    currency: str
    reference: str


@dataclass(frozen=True)
class OtherVisitor:
    """Another addressee who followed a link of the same mailing."""

    ip: str
    agent: str
    token: str
    time: int
    posted: bool
    """Whether the login form was sent: then there is another victim to find."""


@dataclass(frozen=True)
class Story:
    """The whole plot."""

    seed: int
    victim: Victim
    daughter: Person
    bank: Bank
    fraud: Fraud
    host: Host
    times: Times
    phishing: Phishing
    fake: FakeBank
    payment: Payment
    others: tuple[OtherVisitor, ...]

    def dice(self, stream: str) -> Dice:
        """Return the stream of chance for one file of evidence."""
        return Dice(self.seed, stream)


def tell(seed: int) -> Story:
    """Return the story of `seed`; the same on every machine."""
    dice = Dice(seed, "story")
    victim, fraud, host = people.victim(dice), people.fraud(dice), people.host(dice)
    times = _times(Dice(seed, "times"))
    case_number = f"NS-{dice.between(20000, 99999)}"
    return Story(
        seed=seed,
        victim=victim,
        daughter=people.DAUGHTER,
        bank=people.BANK,
        fraud=fraud,
        host=host,
        times=times,
        phishing=_phishing(dice, fraud, case_number),
        fake=_fake_bank(dice, fraud, case_number),
        payment=Payment(dice.between(84_000, 240_000) * 100, "NOK", f"SAFE {case_number}"),
        others=_others(Dice(seed, "others"), times),
    )


def _times(dice: Dice) -> Times:
    day = march(dice.pick((10, 11, 12, 17, 18, 19)))

    def after(moment: int, low: int, high: int) -> int:
        return moment + dice.between(low, high)

    guessed = day - 6 * DAY + dice.between(2 * HOUR, 4 * HOUR)
    unpacked = after(guessed, 20 * HOUR, 22 * HOUR)
    uploaded = after(unpacked, 11 * MINUTE, 40 * MINUTE)
    tested = day - DAY + dice.between(20 * HOUR, 21 * HOUR)
    sent = day + dice.between(8 * HOUR + 35 * MINUTE, 9 * HOUR + 10 * MINUTE)
    received = after(sent, 4 * SECOND, 9 * SECOND)
    opened = after(received, 24 * MINUTE, 52 * MINUTE)
    clicked = after(opened, 55 * SECOND, 150 * SECOND)
    login = after(clicked, 50 * SECOND, 110 * SECOND)
    code = after(login, 35 * SECOND, 80 * SECOND)
    receipt = after(code, 15 * SECOND, 50 * SECOND)
    panel = after(receipt, 30 * SECOND, 90 * SECOND)
    call = after(panel, 7 * MINUTE, 14 * MINUTE)
    instruction = after(call, 6 * MINUTE, 9 * MINUTE)
    payment = after(instruction, 4 * MINUTE, 11 * MINUTE)
    warning = after(payment, 3 * HOUR, 4 * HOUR)
    forwarded = day + dice.between(18 * HOUR + 5 * MINUTE, 19 * HOUR)
    answered = after(forwarded, 6 * MINUTE, 20 * MINUTE)
    statement = day + DAY + dice.between(8 * HOUR, 9 * HOUR)
    reported = after(statement, 50 * MINUTE, 2 * HOUR)
    seized = day + 4 * DAY + dice.between(13 * HOUR, 17 * HOUR)
    end = day + 5 * DAY + dice.between(9 * HOUR, 11 * HOUR)
    return Times(
        march(2), guessed, unpacked, uploaded, tested, sent, received, opened, clicked, login,
        code, receipt, panel, call, instruction, payment, warning, forwarded, answered,
        statement, reported, seized, end,
    )  # fmt: skip


def _phishing(dice: Dice, fraud: Fraud, case_number: str) -> Phishing:
    token = dice.hex(12)
    return Phishing(
        message_id=f"{dice.hex(20)}@{fraud.link_domain}",
        subject="Viktig: your savings account is blocked / kontoen er låst " + case_number,
        case_number=case_number,
        token=token,
        link=f"https://{fraud.link_domain}/r/{token}",
        notice=Attachment(
            f"Sikkerhetsvarsel-{case_number}.pdf",
            "application/pdf",
            pdf(
                "Nordlys Sparebank - Department of Account Safety",
                f"Case {case_number}",
                "An attempt to empty your account was stopped this morning.",
                "Confirm who you are today, or the account stays blocked.",
                "(Training material: no such bank exists.)",
            ),
        ),
    )


def _fake_bank(dice: Dice, fraud: Fraud, case_number: str) -> FakeBank:
    base = f"https://{fraud.domain}/secure"
    name = f"Nordlys-kvittering-{case_number}.pdf"
    return FakeBank(
        login=f"{base}/",
        login_post=f"{base}/login.php",
        code=f"{base}/code.php",
        code_post=f"{base}/check.php",
        done=f"{base}/done.php",
        receipt_get=f"{base}/get.php?doc={dice.hex(8)}",
        receipt_url=f"{base}/files/{name}",
        receipt=Attachment(
            name,
            "application/pdf",
            pdf(
                "Nordlys Sparebank",
                f"Receipt {case_number}",
                "Thank you. An adviser will call you shortly.",
                "Do not speak to anyone else about this case.",
                "(Training material: no such bank exists.)",
            ),
        ),
    )


def _others(dice: Dice, times: Times) -> tuple[OtherVisitor, ...]:
    """Return nine more who clicked; two or three of them went on to type."""
    typed = dice.between(2, 3)
    moments = dice.times(9, times.mail_received + 3 * MINUTE, times.mail_received + 8 * HOUR)
    return tuple(
        OtherVisitor(
            ip=f"203.0.113.{251 + n}" if n < 4 else f"2001:db8:5:{n}::{dice.between(11, 99)}",
            agent=dice.pick(people.AGENTS),
            token=dice.hex(12),
            time=moment,
            posted=n in range(1, 1 + typed),
        )
        for n, moment in enumerate(moments)
    )
