"""The story as a reader of the evidence could tell it: each step with where it is seen."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from holdfast.testing.scenario.truth import IndicatorFact, Moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.testing.scenario.story import Story
    from holdfast.testing.scenario.truth import LineFact, MailFact, PaymentFact, VisitFact


def plot(
    story: Story,
    mails: Sequence[MailFact],
    visits: Sequence[VisitFact],
    payment: PaymentFact,
    lines: Sequence[LineFact],
) -> tuple[Moment, ...]:
    """Return the steps in the order of time."""
    times, name = story.times, story.victim.person.name.partition(" ")[0]

    def mail(role: str) -> str:
        fact = next(fact for fact in mails if fact.role == role)
        return f"{fact.file}#message {fact.number}"

    def visit(role: str) -> str:
        fact = next(fact for fact in visits if fact.role == role)
        return f"{fact.file}#visit {fact.rowid}"

    def line(role: str) -> str:
        fact = next(fact for fact in lines if fact.role == role)
        return f"{fact.file}#line {fact.line}"

    steps = (
        (times.password_guessed, "The wool shop's password is guessed", line("break-in")),
        (times.kit_unpacked, "The kit of the fake bank is unpacked", line("kit")),
        (times.kit_uploaded, "The kit is filled through its own upload page", line("kit upload")),
        (times.kit_tested, "The fraudster tries the fake bank", line("kit test")),
        (times.mail_sent, "The mail is sent from the hijacked host", line("mailing")),
        (times.mail_received, f"It reaches {name}", mail("phishing")),
        (times.mail_opened, f"{name} opens the mail", visit("mail")),
        (times.link_clicked, f"{name} follows the link", visit("link")),
        (times.link_clicked, "The fake bank answers", line("victim page")),
        (times.login_posted, f"{name} gives number, password and telephone", line("victim login")),
        (times.code_posted, f"{name} gives the one-time code", line("victim code")),
        (times.receipt_downloaded, f"{name} saves the false receipt", line("victim download")),
        (times.panel_read, "The fraudster reads it", line("panel read after victim")),
        (times.call, f"A voice calls {name}", "victim-pc/Documents/notes.txt"),
        (
            times.instruction_saved,
            "The payment is dictated",
            "victim-pc/Documents/payment-instruction.txt",
        ),
        (times.payment, f"{name} pays", f"{payment.file}#line {payment.line}"),
        (times.bank_warning, "The real bank asks", mail("bank warning")),
        (times.forwarded, f"{name} sends the mail to her daughter", mail("forwarded")),
        (times.daughter_answered, "The daughter sees through it", mail("daughter's answer")),
        (times.seized, "The host is seized", line("seized")),
    )
    return tuple(Moment(time, what, seen) for time, what, seen in steps)


def indicators(story: Story) -> tuple[IndicatorFact, ...]:
    """Return what another unit should look for, and two that point at victims, not at the fraud."""
    fraud, fake, host = story.fraud, story.fake, story.host

    def digest(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    found = (
        ("domain", fraud.domain, "fake bank"),
        ("domain", fraud.link_domain, "link in the mail"),
        ("url", story.phishing.link, "link in the mail"),
        ("url", fake.login, "fake bank"),
        ("url", fake.receipt_url, "false receipt"),
        ("ipv4", host.ip, "hijacked host"),
        ("ipv4", fraud.operator_ip, "fraudster"),
        ("ipv6", fraud.operator_ip6, "fraudster, later"),
        ("ipv4", fraud.relay_ip, "mail relay"),
        ("email", fraud.sender, "envelope sender"),
        ("email", fraud.reply_to, "reply-to"),
        ("sha256", digest(story.phishing.notice.data), "attachment of the mail"),
        ("sha256", digest(fake.receipt.data), "false receipt"),
        ("account", fraud.mule_account, "money mule"),
        ("phone", fraud.phone, "the voice"),
        ("ipv4", story.victim.ip, "victim"),
        ("email", story.victim.person.email, "victim"),
    )
    return tuple(IndicatorFact(*each) for each in found)
