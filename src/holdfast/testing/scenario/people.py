"""The cast: everyone and everything in the story has a name of its own, and none is real.

Names of hosts end in `.example` or `.test` (RFC 2606), addresses lie in the documentation ranges
(RFC 5737, RFC 3849), telephone numbers are 555-01xx, account numbers begin with ZZ, which is no
country, and have 00 where the check digits go.

Who has which address (the parts never overlap, so an address tells who it was):
192.0.2. 1-19 mail servers, 20-124 password guessers, 130-200 the fraudster, 201-250 scanners;
198.51.100. 2-9 the fraudster's mail relay, 20-90 crawlers, 100-250 the hijacked host;
203.0.113. 2-9 the shop's owner, 10-120 the victim, 121-250 customers, 251-254 other visitors;
2001:db8: 5 other visitors, 8 customers, 9 a certificate authority, 100-999 the fraudster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.testing.scenario.dice import Dice


@dataclass(frozen=True)
class Person:
    """Someone with a mailbox."""

    name: str
    email: str
    phone: str


@dataclass(frozen=True)
class Victim:
    """The woman whose savings were taken, and where she sat."""

    person: Person
    age: int
    ip: str
    agent: str
    account: str
    customer_number: str


@dataclass(frozen=True)
class Bank:
    """The real bank."""

    name: str
    domain: str
    notices: str
    mail_ip: str


@dataclass(frozen=True)
class Fraud:
    """What the fraudster set up. The seed chooses all of it."""

    domain: str
    """The fake bank."""
    link_domain: str
    """Where the mail's link goes, which sends the browser on to the fake bank."""
    reply_to: str
    sender: str
    """The envelope sender."""
    relay_ip: str
    """The machine that handed the mail in."""
    operator_ip: str
    """Where the fraudster sat while trying passwords, testing the kit and reading the panel."""
    operator_ip6: str
    """Where the fraudster came from later, over IPv6."""
    operator_agent: str
    password_ips: tuple[str, ...]
    """Others that try passwords on the host, without success."""
    mule: str
    mule_account: str
    phone: str
    adviser: str
    """The name that the voice on the telephone gave."""


@dataclass(frozen=True)
class Host:
    """The hijacked web server of a wool shop, seized in the end."""

    name: str
    shop_domain: str
    ip: str
    user: str
    """The account with the weak password."""
    admin: str
    admin_ip: str
    left_behind: str
    """The account that the fraudster added."""


AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/145.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.3 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:147.0) Gecko/20100101 Firefox/147.0",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/144.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.3 Safari/605.1.15",
)
"""What browsers call themselves; the victim uses the first."""

BANK = Bank("Nordlys Sparebank", "nordlys-bank.example", "varsel@nordlys-bank.example", "192.0.2.5")
DAUGHTER = Person("Marit Solbakken", "marit.solbakken@fjordpost.example", "555-0118")

_FAKE = ("secure-login", "kundevern", "sikker-id", "verify-kunde", "konto-varsel", "id-bekreft")
_LINKS = ("nls-post", "nordlys-kunde", "nlb-info", "min-nordlys", "nsb-melding")
_MULES = ("K. Drager", "T. Halvard Consult", "R. Moen Trading", "J. Quist", "Boreal Parts AS")
_ADVISERS = ("Anders Vik", "Henrik Dahl", "Thomas Lunde", "Kristian Berg")


def victim(dice: Dice) -> Victim:
    """Return Ingrid. She is the same in every scenario; her line and her account are not."""
    return Victim(
        person=Person("Ingrid Solbakken", "ingrid.solbakken@fjordpost.example", "555-0142"),
        age=74,
        ip=f"203.0.113.{dice.between(10, 120)}",
        agent=AGENTS[0],
        account=account(dice),
        customer_number=f"{dice.between(100000, 999999)}",
    )


def fraud(dice: Dice) -> Fraud:
    """Return a fraudster's means."""
    domain = f"nordlys-{dice.pick(_FAKE)}.example"
    link_domain = f"{dice.pick(_LINKS)}.example"
    first = dice.between(20, 26)
    return Fraud(
        domain=domain,
        link_domain=link_domain,
        reply_to=f"sikkerhet@{link_domain}",
        sender=f"bounce-{dice.hex(6)}@{link_domain}",
        relay_ip=f"198.51.100.{dice.between(2, 9)}",
        operator_ip=f"192.0.2.{dice.between(130, 200)}",
        operator_ip6=f"2001:db8:{dice.between(100, 999)}::{dice.between(10, 99)}",
        operator_agent=AGENTS[2],
        password_ips=tuple(f"192.0.2.{first + 7 * n}" for n in range(14)),
        mule=dice.pick(_MULES),
        mule_account=account(dice),
        phone=f"555-01{dice.between(50, 99)}",
        adviser=dice.pick(_ADVISERS),
    )


def host(dice: Dice) -> Host:
    """Return the web server that the fraudster broke into."""
    return Host(
        name="garnkroken",
        shop_domain="garnkroken.example",
        ip=f"198.51.100.{dice.between(100, 250)}",
        user=dice.pick(("webadmin", "wordpress", "ftpuser", "deploy")),
        admin="kari",
        admin_ip=f"203.0.113.{dice.between(2, 9)}",
        left_behind=dice.pick(("sysbackup", "mysqld2", "www-cron", "support2")),
    )


def account(dice: Dice) -> str:
    """Return an account number in the IBAN's grouping that no bank could have."""
    digits = f"{dice.between(0, 10**11 - 1):011d}"
    return f"ZZ00 TEST {digits[:4]} {digits[4:8]} {digits[8:]}"
