"""The authentication log of the hijacked host: weeks of guessed passwords, one of them right.

Lines as a Debian host's rsyslog writes them (RFC 3164 without the priority): local time, no year.
A few came another way: with a priority in front, or as RFC 5424, from a second logger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.testing.scenario import when
from holdfast.testing.scenario.lines import MALFORMED, Line
from holdfast.testing.scenario.when import DAY, HOUR, MINUTE, SECOND

if TYPE_CHECKING:
    from holdfast.testing.scenario.dice import Dice
    from holdfast.testing.scenario.story import Story


def build(story: Story, noise: int) -> list[Line]:
    """Return the lines in no order, `noise` of them besides those of the plot."""
    dice = story.dice("auth log")
    lines = [*_break_in(story, dice), *_kit(story, dice), *_later(story, dice), *_malformed(story)]
    start, end = story.times.start, story.times.seized
    made: list[Line] = []
    while len(made) < noise:
        made += _noise(story, dice, dice.between(start, end - MINUTE))
    return lines + made[:noise]


def _line(story: Story, time: int, program: str, text: str, role: str = "") -> Line:
    line = f"{when.syslog(time)} {story.host.name} {program}: {text}"
    return Line(time, line.encode("ascii"), role)


def _break_in(story: Story, dice: Dice) -> list[Line]:
    """Guess after guess from one address, and then the right one."""
    ip, user, right = story.fraud.operator_ip, story.host.user, story.times.password_guessed
    lines, time = [], right
    for n in range(38):
        time -= dice.between(5, 9) * SECOND
        program, port = f"sshd[{21_130 - n * 3}]", 40_000 + dice.below(20_000)
        text = f"Failed password for {user} from {ip} port {port} ssh2"
        lines.append(_line(story, time, program, text, "guess"))
    program, port = "sshd[21140]", 40_000 + dice.below(20_000)
    lines += [
        _line(
            story, right, program, f"Accepted password for {user} from {ip} port {port} ssh2",
            "break-in",
        ),
        _line(
            story, right + 90_000, program,
            f"pam_unix(sshd:session): session opened for user {user}(uid=1003) by (uid=0)",
            "break-in",
        ),
        _sudo(story, right + 50 * SECOND, "/usr/bin/id", "break-in"),
        _sudo(
            story, right + 95 * SECOND,
            f"/usr/sbin/useradd -m -s /bin/bash {story.host.left_behind}", "account added",
        ),
        _line(
            story, right + 95 * SECOND + 40_000, "useradd[21188]",
            f"new user: name={story.host.left_behind}, UID=1007, GID=1007,"
            f" home=/home/{story.host.left_behind}, shell=/bin/bash, from=/dev/pts/0",
            "account added",
        ),
        _line(
            story, right + 4 * MINUTE, program,
            f"pam_unix(sshd:session): session closed for user {user}", "break-in",
        ),
    ]  # fmt: skip
    return lines


def _kit(story: Story, dice: Dice) -> list[Line]:
    """The next night: the kit is copied over and unpacked."""
    time, user = story.times.kit_unpacked, story.host.user
    program, port = "sshd[23016]", 40_000 + dice.below(20_000)
    text = f"Accepted password for {user} from {story.fraud.operator_ip} port {port} ssh2"
    zip_ = "/tmp/.nls.zip"  # noqa: S108 - a path in the story
    return [
        _line(story, time - 3 * MINUTE, program, text, "kit login"),
        _line(
            story,
            time - 2 * MINUTE,
            program,
            f"subsystem request for sftp by user {user}",
            "kit login",
        ),
        _sudo(story, time, f"/usr/bin/unzip -q {zip_} -d /var/www/html/secure", "kit"),
        _sudo(story, time + 30 * SECOND, "/usr/bin/chown -R www-data /var/www/html/secure", "kit"),
        _sudo(
            story, time + 70 * SECOND, f"/usr/bin/certbot --apache -d {story.fraud.domain}", "kit"
        ),
    ]


def _later(story: Story, dice: Dice) -> list[Line]:
    """The fraudster comes back over IPv6 and as another user; then the police pull the plug."""
    host, moment = story.host, story.times.panel_read + 5 * HOUR
    other, port = story.fraud.operator_ip6, 40_000 + dice.below(20_000)
    accepted = f"Accepted password for {host.left_behind} from {other} port {port} ssh2"
    modern = f"<38>1 {when.iso(moment)} {host.name} sshd 30411 - - {accepted}"
    prior = f"<86>{when.syslog(moment + SECOND)} {host.name} sshd[30411]: "
    prior += f"pam_unix(sshd:session): session opened for user {host.left_behind}(uid=1007)"
    return [
        Line(moment, modern.encode("ascii"), "return", exact=True),
        Line(moment + SECOND, prior.encode("ascii"), "return"),
        _sudo(story, moment + 3 * MINUTE, "/usr/bin/truncate -s 0 /var/log/mail.log", "return"),
        _line(
            story, story.times.seized - 4 * SECOND, "systemd-logind[611]",
            "Power key pressed short.", "seized",
        ),
        _line(
            story, story.times.seized, "systemd-logind[611]", "System is powering down.", "seized"
        ),
    ]  # fmt: skip


def _sudo(story: Story, time: int, command: str, role: str) -> Line:
    user = story.host.left_behind if role == "return" else story.host.user
    text = f"{user:>8} : TTY=pts/0 ; PWD=/home/{user} ; USER=root ; COMMAND={command}"
    return _line(story, time, "sudo", text, role)


def _noise(story: Story, dice: Dice, time: int) -> list[Line]:
    throw, process = dice.below(100), dice.between(700, 32_000)
    port = 32_768 + dice.below(28_000)
    if throw < 62:
        ip, name = dice.pick(story.fraud.password_ips), dice.pick(_GUESSED)
        texts = [f"Failed password for invalid user {name} from {ip} port {port} ssh2"]
        if dice.chance(40):
            texts.insert(0, f"Invalid user {name} from {ip} port {port}")
        if dice.chance(25):
            texts.append(f"Connection closed by invalid user {name} {ip} port {port} [preauth]")
        if dice.chance(6):
            texts.append(f"message repeated 3 times: [ {texts[-1]}]")
        return _together(story, time, f"sshd[{process}]", texts)
    if throw < 88:
        opened = "pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)"
        closed = "pam_unix(cron:session): session closed for user root"
        # Cron starts on the full minute.
        return _together(
            story, time // MINUTE * MINUTE + SECOND, f"CRON[{process}]", [opened, closed]
        )
    if throw < 93:
        admin, ip = story.host.admin, story.host.admin_ip
        texts = [
            f"Accepted publickey for {admin} from {ip} port {port} ssh2:"
            f" ED25519 SHA256:{'Kari' + 'x' * 39}",
            f"pam_unix(sshd:session): session opened for user {admin}(uid=1000) by (uid=0)",
            f"pam_unix(sshd:session): session closed for user {admin}",
        ]
        return _together(story, time, f"sshd[{process}]", texts)
    if throw < 96:
        text = f"{story.host.admin:>8} : TTY=pts/1 ; PWD=/home/{story.host.admin} ; USER=root ; "
        text += "COMMAND=/usr/bin/apt-get upgrade"
        return _together(story, time, "sudo", [text])
    ip = dice.pick(story.fraud.password_ips)
    text = f"banner exchange: Connection from {ip} port {port}: invalid format"
    return _together(story, time, f"sshd[{process}]", [text])


def _together(story: Story, time: int, program: str, texts: list[str]) -> list[Line]:
    return [_line(story, time + n * 400_000, program, text) for n, text in enumerate(texts)]


def _malformed(story: Story) -> list[Line]:
    """What a crash left: half a line, zero bytes, and a line of another program."""
    at = story.times.kit_unpacked + DAY
    whole = _line(story, at, "sshd[24001]", "Connection reset by 192.0.2.240 port 51122")
    broken = (
        (at, whole.content[:12]),
        (at + SECOND, b"\x00" * 128),
        (at + 2 * SECOND, b"-- system restarted --"),
    )
    return [Line(time, content, MALFORMED) for time, content in broken]


_GUESSED = (
    "admin", "test", "oracle", "ubuntu", "pi", "git", "postgres", "user", "guest", "minecraft",
    "backup", "ftp", "nagios", "jenkins",
)  # fmt: skip
