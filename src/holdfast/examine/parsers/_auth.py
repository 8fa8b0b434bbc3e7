"""What sshd, sudo, su, useradd and logind write, as typed events.

Sources: OpenSSH `auth.c` and `session.c`, sudo's `logging.c`, shadow's `useradd.c` and kin,
`pam_unix`, systemd's `logind-session.c`. The messages are no interface; what is not known here
stays an ordinary syslog record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from holdfast.examine.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthLogon(Record):
    """Someone logged on, failed to, or logged off."""

    KIND: ClassVar[str] = "auth.logon"

    action: str | None = None
    """`logon`, `logon failed`, `session opened`, `session closed`, `disconnected`."""
    method: str | None = None
    """`password`, `publickey` and so on."""
    client: str | None = None
    """Where from: an address or a name."""
    client_port: int | None = None
    session: str | None = None
    fingerprint: str | None = None
    """Of the key that was used."""
    program: str | None = None
    pid: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthPrivilege(Record):
    """Someone acted, or tried to, as someone else."""

    KIND: ClassVar[str] = "auth.privilege"

    action: str | None = None
    """`command`, `refused`, `switched`, `switch failed`, `session opened`, `session closed`."""
    target_user: str | None = None
    command: str | None = None
    terminal: str | None = None
    directory: str | None = None
    problem: str | None = None
    """Why sudo refused, in its words."""
    program: str | None = None
    pid: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthAccount(Record):
    """An account or group was made, changed or removed."""

    KIND: ClassVar[str] = "auth.account"

    action: str | None = None
    account: str | None = None
    group: str | None = None
    uid: int | None = None
    gid: int | None = None
    home: str | None = None
    shell: str | None = None
    program: str | None = None
    pid: int | None = None


Typed = tuple[type[Record], dict[str, object]]
"""A kind, and its own fields with `user`."""

_SSH = re.compile(
    r"(Accepted|Failed|Postponed) (\S+) for (?:invalid user |illegal user )?(.{0,256}) "
    r"from (\S+) port (\d{1,5})(?: ssh2)?(?:: (?:\S+ )?(\S+))?"
)
"""Greedy, to the line's end: a name is the client's to choose, and may look like an address."""
_SSH_ODD = re.compile(
    r"(?:Invalid|Illegal) user (?P<invalid>.{0,256}) from (?P<from>\S+)(?: port (?P<port>\d{1,5}))?"
    r"|(?:Disconnected from|Connection closed by|Connection reset by) (?:authenticating |invalid )?"
    r"user (?P<left>\S{1,256}) (?P<by>\S+) port (?P<at>\d{1,5}).*"
)
_SESSION = re.compile(
    r"pam_unix\(([^)]{1,64})\): session (opened|closed) for user ([^\s(]{1,256})(?:\(uid=\d+\))?"
    r"(?: by ([^\s(]{0,256})(?:\(uid=\d+\))?)?"
)
_PAM_FAILURE = re.compile(
    r"pam_unix\(([^)]{1,64})\): authentication failure; .*?ruser=(\S*) rhost=(\S*)"
    r"(?:\s+user=(\S{1,256}))?"
)
_SUDO = re.compile(
    r"\s*(\S{1,256}) : (?:([^;=]{1,200}) ; )?TTY=(\S+) ; PWD=(.{0,4096}?) ; USER=(\S+)"
    r"(?: ; [A-Z]+=[^;]{0,4096}?)*? ; (?:COMMAND=|TSID=\S+ ; COMMAND=)(.*)"
)
_SU = re.compile(
    r"(?:(Successful su for (\S+) by (\S+))|(FAILED SU \(to (\S+)\) (\S+) on (\S+))"
    r"|(FAILED su for (\S+) by (\S+))|\(to (\S+)\) (\S+) on (\S+)|([+-]) (\S+) ([^\s:]+):(\S+))"
)
_LOGIND = re.compile(
    r"(?:New session ['\"]?(\S+?)['\"]? of user ['\"]?([^\s.'\"]+)['\"]?.*"
    r"|(?:Removed session|Session) ['\"]?([^\s.]+?)['\"]?(?: logged out.*|\.))"
)
_ACCOUNT = re.compile(
    r"(new user|new group|delete user|delete group|removed group|group added to|change user"
    r"|password changed for|changed user|add|delete)\b[: ]*['\"]?(.*)"
)
_PAIR = re.compile(r"(name|UID|GID|uid|gid|home|shell)=([^,\s]{0,1024})")
_PASSWORD = re.compile(r"pam_unix\(\S{1,64}\): password changed for (\S{1,256})")
_ACCOUNT_PROGRAMS = frozenset(
    ("useradd", "userdel", "usermod", "groupadd", "groupdel", "groupmod", "passwd", "chpasswd")
)
PROGRAMS = frozenset((
    "sshd", "sshd-session", "sudo", "su", "systemd-logind", "login", "gdm-password", "cron", "CRON",
    "systemd", *_ACCOUNT_PROGRAMS,
))  # fmt: skip
"""Programs whose messages may be typed events."""


def typed(program: str, text: str) -> Typed | None:
    """Return what the message of one of `PROGRAMS` says; None where it is only a message."""
    if program in {"sshd", "sshd-session"} and (found := _ssh(text)):
        return found
    if program == "sudo" and (match := _SUDO.fullmatch(text)):
        user, problem, terminal, directory, target, command = match.groups()
        return AuthPrivilege, {
            "user": user, "action": "refused" if problem else "command", "problem": problem,
            "terminal": terminal, "directory": directory, "target_user": target,
            "command": command,
        }  # fmt: skip
    if program == "su" and (found := _su(text)):
        return found
    if program == "systemd-logind" and (match := _LOGIND.fullmatch(text)):
        opened, user, closed = match.groups()
        action = "session opened" if opened else "session closed"
        return AuthLogon, {"user": user, "action": action, "session": opened or closed}
    if program in _ACCOUNT_PROGRAMS and (found := _account(program, text)):
        return found
    return _pam(text) if text.startswith("pam_unix(") else None


def _ssh(text: str) -> Typed | None:
    if match := _SSH.fullmatch(text):
        word, method, user, client, port, fingerprint = match.groups()
        if word == "Postponed":
            return None
        return AuthLogon, {
            "user": user, "action": "logon" if word == "Accepted" else "logon failed",
            "method": method, "client": client, "client_port": int(port),
            "fingerprint": fingerprint,
        }  # fmt: skip
    if (match := _SSH_ODD.fullmatch(text)) is None:
        return None
    if match["invalid"] is not None:
        return AuthLogon, {
            "user": match["invalid"], "action": "logon failed", "client": match["from"],
            "client_port": int(match["port"]) if match["port"] else None,
        }  # fmt: skip
    return AuthLogon, {
        "user": match["left"], "action": "disconnected", "client": match["by"],
        "client_port": int(match["at"]),
    }  # fmt: skip


def _su(text: str) -> Typed | None:
    if (match := _SU.match(text)) is None:
        return None
    g = match.groups()
    action = "switch failed" if g[3] or g[7] or g[13] == "-" else "switched"
    target = g[1] or g[4] or g[8] or g[10] or g[16]
    user = g[2] or g[5] or g[9] or g[11] or g[15]
    terminal = g[6] or g[12] or g[14]
    return AuthPrivilege, {
        "user": user, "action": action, "target_user": target, "terminal": terminal,
    }  # fmt: skip


def _pam(text: str) -> Typed | None:
    if match := _SESSION.match(text):
        service, what, user, by = match.groups()
        action = f"session {what}"
        if service.partition(":")[0] in {"sudo", "su", "su-l", "sudo-i"}:
            return AuthPrivilege, {"user": by or None, "action": action, "target_user": user}
        return AuthLogon, {"user": user, "action": action}
    if match := _PAM_FAILURE.match(text):
        service, ruser, rhost, user = match.groups()
        if service.partition(":")[0] in {"sudo", "su", "su-l", "sudo-i"}:
            who = ruser or user
            return AuthPrivilege, {"user": who, "action": "switch failed", "target_user": user}
        return AuthLogon, {"user": user, "action": "logon failed", "client": rhost or None}
    return None


def _account(program: str, text: str) -> Typed | None:
    if match := _PASSWORD.match(text):
        return AuthAccount, {"action": "password changed", "account": match[1]}
    if (match := _ACCOUNT.match(text)) is None:
        return None
    action, rest = match.groups()
    pairs = dict(_PAIR.findall(rest))
    name = pairs.get("name") or rest.split("'")[0].split(":")[0].split(",")[0].strip()[:256] or None
    of_group = "group" in action and program.startswith("group")
    ids = {key.lower(): value for key, value in pairs.items()}
    return AuthAccount, {
        "action": action, "account": None if of_group else name,
        "group": name if of_group else None,
        "uid": _small(ids.get("uid")), "gid": _small(ids.get("gid")), "home": ids.get("home"),
        "shell": ids.get("shell"),
    }  # fmt: skip


def _small(text: str | None) -> int | None:
    fits = text is not None and text.isascii() and text.isdigit() and len(text) <= 10
    return int(text) if fits and text else None
