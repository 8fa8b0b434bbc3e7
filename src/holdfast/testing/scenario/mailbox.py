"""Ingrid's mailbox: one mbox file, in which the phishing mail is one among hundreds.

Quoted as mboxrd: a line that begins with any number of `>` and `From ` has one `>` more, so a
reader can undo it exactly. A message begins with its From line and ends with a blank line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.testing.scenario import letters, mime, when
from holdfast.testing.scenario.letters import Letter
from holdfast.testing.scenario.truth import MailFact
from holdfast.testing.scenario.when import HOUR, MINUTE, SECOND

if TYPE_CHECKING:
    from holdfast.testing.scenario.dice import Dice
    from holdfast.testing.scenario.people import Person
    from holdfast.testing.scenario.story import Story

_FROM = re.compile(rb"^(>*From )", re.MULTILINE)
_MX = "mx.fjordpost.example"


@dataclass(frozen=True)
class Mail:
    """A message as it lies in the box, before the mbox's own quoting."""

    time: int
    """When it arrived, which is the order of the box."""
    sender: str
    """For the From line."""
    content: bytes
    attachments: int
    role: str = ""
    sent: int | None = None
    message_id: str | None = None
    address: str | None = None
    subject: str | None = None
    """Decoded."""


@dataclass(frozen=True)
class Mailbox:
    """The file and what is true of it."""

    data: bytes
    facts: tuple[MailFact, ...]
    counts: dict[str, int]


def build(story: Story, noise: int, path: str) -> Mailbox:
    """Return the mailbox with `noise` messages besides those of the plot."""
    dice = story.dice("mailbox")
    mails = [*_plot(story, dice), *_noise(story, dice, noise)]
    mails.sort(key=lambda mail: mail.time)
    data, facts = bytearray(), []
    for number, mail in enumerate(mails, 1):
        offset = len(data)
        data += f"From {mail.sender} {when.mbox(mail.time)}\n".encode("ascii")
        data += _FROM.sub(rb">\1", mail.content)
        data += b"\n" if data.endswith(b"\n") else b"\n\n"
        if mail.role:
            length = len(data) - offset
            facts.append(
                MailFact(
                    mail.role, path, number, offset, length,
                    mail.message_id, mail.sent, mail.address, mail.subject,
                )
            )  # fmt: skip
    counts = {
        "messages": len(mails),
        "malformed": sum(mail.role == "malformed" for mail in mails),
        "attachments": sum(mail.attachments for mail in mails),
    }
    return Mailbox(bytes(data), tuple(facts), counts)


def _noise(story: Story, dice: Dice, count: int) -> list[Mail]:
    times = dice.waking_times(count, story.times.start, story.times.end - HOUR)
    mails = []
    for number, time in enumerate(times):
        kinds = letters.KINDS
        kind = kinds[number] if number < len(kinds) else dice.pick(letters.COMMON)
        letter = kind(dice)
        domain = letter.email.partition("@")[2]
        mails.append(_arrived(story, dice, letter, time, f"{dice.hex(16)}@{domain}"))
    return mails


def _plot(story: Story, dice: Dice) -> list[Mail]:
    phishing = _phishing(story, dice)
    return [
        phishing,
        _bank_warning(story, dice),
        _forwarded(story, dice, phishing),
        _answer(story, dice),
        _malformed(story),
    ]


def _arrived(
    story: Story,
    dice: Dice,
    letter: Letter,
    time: int,
    message_id: str,
    *,
    role: str = "",
    subject: str | None = None,
) -> Mail:
    """Return `letter` as the provider delivered it, an honest sender's server before it."""
    domain = letter.email.partition("@")[2]
    ip = story.bank.mail_ip if domain == story.bank.domain else f"192.0.2.{dice.between(10, 19)}"
    sent = time - dice.between(2, 40) * SECOND
    trace = (
        f"Return-Path: <{letter.email}>",
        *_received(story, dice, time, f"mail.{domain}", ip),
        *_judged(letter.verdict, letter.email, domain),
        f"Received: from [10.0.{dice.below(9)}.{dice.between(2, 99)}] by mail.{domain}",
        f"\twith ESMTPSA id {dice.hex(10)}; {when.mail(sent)}",
    )
    content = _message(letter, trace, sent, message_id, story.victim.person)
    return Mail(
        time, letter.email, content, letter.part.attachments,
        role, when.whole_second(sent), message_id, letter.email, subject,
    )  # fmt: skip


def _received(story: Story, dice: Dice, time: int, name: str, ip: str) -> tuple[str, ...]:
    return (
        f"Received: from {name} ({name} [{ip}])",
        f"\tby {_MX} (Postfix) with ESMTPS id {dice.hex(10).upper()}",
        f"\tfor <{story.victim.person.email}>; {when.mail(time)}",
    )


def _judged(verdict: str, sender: str, domain: str) -> tuple[str, ...]:
    dkim = f"pass header.d={domain}" if verdict == "pass" else "none"
    dmarc = {"pass": "pass", "none": "none"}.get(verdict, "fail")
    return (
        f"Authentication-Results: {_MX};",
        f"\tspf={verdict} smtp.mailfrom={sender};",
        f"\tdkim={dkim};",
        f"\tdmarc={dmarc} header.from={domain}",
    )


def _message(
    letter: Letter, trace: tuple[str, ...], sent: int, message_id: str, to: Person
) -> bytes:
    lines = (
        *trace,
        f"Message-ID: <{message_id}>",
        f"Date: {when.mail(sent)}",
        f"From: {_quoted(letter.name)} <{letter.email}>",
        f"To: {to.name} <{to.email}>",
        f"Subject: {letter.subject}",
        *letter.headers,
        "MIME-Version: 1.0",
    )
    return "".join(line + "\n" for line in lines).encode("ascii") + bytes(letter.part)


def _quoted(name: str) -> str:
    return name if name.startswith("=?") or name.replace(" ", "").isalnum() else f'"{name}"'


def _phishing(story: Story, dice: Dice) -> Mail:
    """The mail: the bank's name in From, the fraudster's servers everywhere else."""
    fraud, phishing, times = story.fraud, story.phishing, story.times
    shown = f"https://{story.bank.domain}/innlogging"
    plain = (
        f"Dear Ingrid,\n\nAt 06:12 today somebody tried to empty your savings account."
        f" We have blocked it for now (case {phishing.case_number}).\n\n"
        f"Please confirm who you are before 12:00:\n{phishing.link}\n\n"
        "Keep your telephone near: an adviser may call you.\n"
        "From the department of account safety,\nNordlys Sparebank, trygg på nett\n"
    )
    html = (
        "<html><body style='font-family:sans-serif'><h2>Nordlys Sparebank</h2>\n"
        "<p>Dear Ingrid,</p><p>At 06:12 today somebody tried to empty your savings account."
        f" We have blocked it for now (case {phishing.case_number}).</p>\n"
        f'<p><a href="{phishing.link}">{shown}</a></p>\n'
        "<p>Keep your telephone near: an adviser may call you.</p>\n"
        "<p>Nordlys Sparebank, trygg på nett</p></body></html>\n"
    )
    notice = phishing.notice
    body = mime.multipart(
        "mixed",
        f"=_{dice.hex(24)}",
        mime.multipart(
            "alternative",
            f"=_{dice.hex(24)}",
            mime.text(plain, "utf-8", "quoted-printable"),
            mime.text(html, "utf-8", "base64", "html"),
        ),
        mime.attachment(notice.name, notice.mime, notice.data),
    )
    address = f"sikkerhet@{story.bank.domain}"
    headers = (
        f"Reply-To: <{fraud.reply_to}>",
        f"X-Originating-IP: [{fraud.operator_ip}]",
        "X-Mailer: PhonyMailer 3.1",
        "X-Priority: 1",
    )
    letter = Letter(story.bank.name, address, mime.phrase(phishing.subject), body, "fail", headers)
    relay = f"relay.{fraud.link_domain}"
    trace = (
        f"Return-Path: <{fraud.sender}>",
        *_received(story, dice, times.mail_received, relay, fraud.relay_ip),
        f"Authentication-Results: {_MX};",
        f"\tspf=fail smtp.mailfrom={fraud.sender};",
        "\tdkim=none;",
        f"\tdmarc=fail (p=quarantine) header.from={story.bank.domain}",
        f"Received: from {story.host.name} ({story.host.shop_domain} [{story.host.ip}])",
        f"\tby {relay} with ESMTP id {dice.hex(8)};",
        f"\t{when.mail(times.mail_sent + 2 * SECOND)}",
        f"Received: from localhost ([{fraud.operator_ip}])",
        f"\tby {story.host.name} with HTTP; {when.mail(times.mail_sent)}",
    )
    content = _message(letter, trace, times.mail_sent, phishing.message_id, story.victim.person)
    return Mail(
        times.mail_received, fraud.sender, content, body.attachments,
        "phishing", when.whole_second(times.mail_sent),
        phishing.message_id, address, phishing.subject,
    )  # fmt: skip


def _bank_warning(story: Story, dice: Dice) -> Mail:
    amount = f"{story.payment.amount_minor // 100:,}".replace(",", " ")
    subject = "Er dette deg? Unusual payment from your account"
    body = (
        f"Hei Ingrid,\n\nwe saw a payment of {amount},00 {story.payment.currency} to"
        f" {story.fraud.mule}, who is new to you.\n"
        "If it was not you, call the number on the back of your card.\n"
        "Vi sender aldri lenker i e-post.\n\nNordlys Sparebank\n"
    )
    letter = Letter(
        story.bank.name, story.bank.notices, subject, mime.text(body, "utf-8", "quoted-printable")
    )
    message_id = f"{dice.hex(16)}@{story.bank.domain}"
    time = story.times.bank_warning
    return _arrived(story, dice, letter, time, message_id, role="bank warning", subject=subject)


def _forwarded(story: Story, dice: Dice, phishing: Mail) -> Mail:
    """Ingrid sends the whole mail on to her daughter: the same Message-ID lies inside."""
    person, daughter, time = story.victim.person, story.daughter, story.times.forwarded
    note = (
        "Kjære Marit,\n\nthe bank wrote this to me this morning and a very polite man called"
        f" {story.fraud.adviser} helped me to move the money. Now my own bank asks if it was me."
        "\nCan you look at it?\n\nMamma\n"
    )
    part = mime.multipart(
        "mixed",
        f"=_{dice.hex(24)}",
        mime.text(note, "iso-8859-1", "quoted-printable"),
        mime.forwarded(phishing.content, phishing.attachments),
    )
    subject = "Fwd: " + story.phishing.subject
    letter = Letter(person.name, person.email, mime.phrase(subject), part)
    message_id = f"{dice.hex(16)}@fjordpost.example"
    content = _message(letter, (), time, message_id, daughter)
    return Mail(
        time, person.email, content, part.attachments,
        "forwarded", when.whole_second(time), message_id, person.email, subject,
    )  # fmt: skip


def _answer(story: Story, dice: Dice) -> Mail:
    subject = "Sv: Fwd: " + story.phishing.subject
    body = (
        "Mamma, don't touch anything more, and don't answer if he calls again.\n\n"
        f"The address in the link isn't the bank's: it goes to {story.fraud.link_domain}.\n"
        "Jeg kommer i morgen tidlig, så går vi til banken og politiet sammen."
        " Glad i deg.\n\nMarit\n"
    )
    letter = Letter(
        story.daughter.name, story.daughter.email, mime.phrase(subject),
        mime.text(body, "utf-8", "8bit"),
    )  # fmt: skip
    message_id = f"{dice.hex(16)}@fjordpost.example"
    time = story.times.daughter_answered
    return _arrived(
        story, dice, letter, time, message_id, role="daughter's answer", subject=subject
    )


def _malformed(story: Story) -> Mail:
    """A message that breaks the rules; a reader keeps what it can, and says so.

    No Message-ID, no readable date, raw Latin-1 in an address that is never closed, a header line
    without a colon, an encoded word without an end, a multipart whose boundary never comes, and
    base64 that is none.
    """
    content = (
        b"Return-Path: <>\n"
        b"Date: in the forenoon\n"
        b"From: K\xf8yr\xe5d <post@odelagt.example\n"
        b"this line has no colon\n"
        b"Subject: =?utf-8?B?w6Zkw7g?= M\xf8te\n"
        b"MIME-Version: 1.0\n"
        b'Content-Type: multipart/mixed; boundary="never-comes"\n'
        b"Content-Transfer-Encoding: base64\n"
        b"\n"
        b"!!! this is not base64 ***\n"
        b"--another-boundary\n"
        b"Content-Type: text/plain; charset=x-unknown-9\n"
        b"\n"
        b"\xff\xfe\x00 half a message"
    )
    return Mail(
        story.times.mail_received - 2 * HOUR - 7 * MINUTE, "MAILER-DAEMON", content, 0, "malformed"
    )
