"""Find a Chromium, and start it fresh: new profile, unprivileged account, nothing in background."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.collect.web import supervise
from holdfast.core.errors import InputError, ResourceError

if TYPE_CHECKING:
    from types import TracebackType

PLACES = (
    # The programs themselves before the scripts that start them, which add flags of their own.
    "/usr/lib/chromium/chromium",
    "/usr/lib/chromium-browser/chromium-browser",
    "/usr/lib64/chromium-browser/chromium-browser",
    "/opt/google/chrome/chrome",
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
)
_MESSAGES = 1 << 16
"""Bytes of the browser's own messages that are kept."""
BACKGROUND = "background.invalid"
"""Where the browser's own services ask; the guard lets nothing through to it."""
FEATURES_OFF = (
    "AutofillServerCommunication",
    "CertificateTransparencyComponentUpdater",
    "DialMediaRouteProvider",
    "InterestFeedContentSuggestions",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationGuideModelDownloading",
    "OptimizationHints",
    "PrivacySandboxSettings4",
    "SafeBrowsingOnUIThread",
    "Translate",
)
QUIET = (
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-crash-reporter",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-field-trial-config",
    "--disable-renderer-backgrounding",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-service-autorun",
    "--password-store=basic",
    "--safebrowsing-disable-auto-update",
    "--use-mock-keychain",
    f"--disable-features={','.join(FEATURES_OFF)}",
    # Two services that no flag turns off ask here instead, where nobody is (RFC 6761 section 6.4).
    f"--gaia-url=https://{BACKGROUND}/",
    f"--component-updater=url-source=https://{BACKGROUND}/",
)
"""Nothing goes out that no page asked for."""
BROWSER_USER = "HOLDFAST_BROWSER_USER"
OPEN_TO_ALL = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - a new folder is made in it
_MESSAGES = 1 << 16
"""Bytes of the browser's own messages that are kept."""
_STOP = 15.0
"""Seconds that closing may take before everything is killed."""


@dataclass(frozen=True)
class Settings:
    """How the browser is started; all of it is in the item."""

    viewport: tuple[int, int] = (1280, 1024)
    """CSS pixels."""
    locale: str = "en-US"
    timezone: str = "UTC"
    user_agent: str | None = None
    """None for the browser's own."""
    sandbox: bool = True
    browser: str | None = None
    """The program; None to look for one."""
    user: str | None = None
    """The account it runs as when we are root; see `account`."""
    log_keys: bool = False
    """Let it write down its TLS keys, for a second witness."""

    def as_json(self) -> dict[str, Any]:
        """Return it as `capture.json` has it."""
        return {
            "locale": self.locale,
            "sandbox": self.sandbox,
            "timezone": self.timezone,
            "user_agent": self.user_agent,
            "viewport": list(self.viewport),
        }


def find(named: str | None) -> str:
    """Return the browser's program.

    Raises:
        ResourceError: there is none.
        InputError: the one that was named is none.
    """
    for place in (named,) if named else PLACES:
        found = shutil.which(place)
        if found:
            return found
    if named:
        raise InputError(f"{named} is no program", "name a Chromium: --browser FILE")
    raise ResourceError(
        "there is no Chromium on this machine", "install it: sudo apt-get install chromium"
    )


def account(named: str | None) -> pwd.struct_passwd | None:
    """Return the account that the browser is to run as; None for our own, which is not root.

    Root's is what `--browser-user` or HOLDFAST_BROWSER_USER names, else `nobody`.

    Raises:
        InputError: there is no such account, it is root, or we may not become it.
    """
    name = named or os.environ.get(BROWSER_USER)
    if os.geteuid() != 0:
        if named and named != pwd.getpwuid(os.geteuid()).pw_name:
            raise InputError(f"only root can run the browser as {named}", "leave it out")
        return None
    try:
        found = pwd.getpwnam(name or "nobody")
    except KeyError:
        raise InputError(
            f"there is no account {name or 'nobody'!r} to run the browser as",
            f"name one: --browser-user NAME or {BROWSER_USER}",
        ) from None
    if found.pw_uid == 0:
        raise InputError("a browser never runs as root here", "name another account")
    return found


def version(program: str, user: str | None = None) -> str:
    """Return what the program says it is, in one line.

    Raises:
        ResourceError: it does not run.
    """
    who = account(user)
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            timeout=30,
            check=True,
            env={"PATH": os.defpath, "HOME": "/nonexistent"},
            user=None if who is None else who.pw_uid,
            group=None if who is None else who.pw_gid,
            extra_groups=None if who is None else [],
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ResourceError(f"{program} does not run: {error}", "reinstall the browser") from None
    return done.stdout.decode("utf-8", "replace").strip()[:200]


def scratch(user: str | None = None) -> Path:
    """Return a folder for temporary files that the browser's account can pass through.

    That is the usual one (TMPDIR), else one of those that every machine has.

    Raises:
        InputError: there is no such account.
        ResourceError: it can enter none of them.
    """
    who = account(user)
    tried = list(dict.fromkeys((Path(tempfile.gettempdir()), *OPEN_TO_ALL)))
    for place in tried:
        if not os.access(place, os.W_OK | os.X_OK):
            continue
        if who is None or _enters(who, place):
            return place
    name = "the browser" if who is None else f"the browser's account, {who.pw_name},"
    raise ResourceError(
        f"{name} can't enter {' or '.join(map(str, tried))}",
        "set TMPDIR to a folder that it may pass through (mode o+x, and so each folder above)",
    )


def _enters(who: pwd.struct_passwd, place: Path) -> bool:
    """Try it: modes alone don't say what access lists and security modules forbid."""
    done = subprocess.run(
        ["/bin/sh", "-c", 'cd "$1"', "sh", str(place)],
        stdin=subprocess.DEVNULL, capture_output=True, check=False, cwd="/", env={},
        user=who.pw_uid, group=who.pw_gid, extra_groups=[],
    )  # fmt: skip
    return done.returncode == 0


@dataclass
class Chromium:
    """One browser, for one capture, in a folder of its own that is its home."""

    home: Path
    """Made by `prepare`; readable by the browser's account and by us alone."""
    settings: Settings
    argv: list[str] = field(default_factory=list)
    """The exact command line, once it is started."""
    environment: dict[str, str] = field(default_factory=dict)
    end: dict[str, Any] = field(default_factory=dict)
    """What the supervisor said last: `status`, `killed`, `left`."""
    _process: subprocess.Popen[bytes] | None = None

    @property
    def netlog(self) -> Path:
        """Where the browser writes its NetLog."""
        return self.home / "netlog.json"

    @property
    def keys(self) -> Path:
        """Where the browser writes its TLS keys, if it is told to."""
        return self.home / "keys.log"

    @property
    def downloads(self) -> Path:
        """Where downloads go."""
        return self.home / "downloads"

    def prepare(self) -> None:
        """Make the folder, owned by the browser's account."""
        who = account(self.settings.user)
        self.home.mkdir(mode=0o700)
        self.downloads.mkdir(mode=0o700)
        if who is not None:
            for folder in (self.downloads, self.home):
                os.chown(folder, who.pw_uid, who.pw_gid)

    def start(self, proxy: int) -> tuple[int, int]:
        """Start it behind the guard on port `proxy`; return descriptors to read from and write to.

        Raises:
            InputError, ResourceError: there is no browser, or no account for it.
        """
        program, who = find(self.settings.browser), account(self.settings.user)
        width, height = self.settings.viewport
        self.argv = [
            program,
            "--headless=new",
            f"--user-data-dir={self.home / 'profile'}",
            "--remote-debugging-pipe",
            f"--proxy-server=socks5://127.0.0.1:{proxy}",
            "--proxy-bypass-list=<-loopback>",
            f"--log-net-log={self.netlog}",
            "--net-log-capture-mode=Everything",
            "--disable-quic",
            *QUIET,
            f"--window-size={width},{height}",
            f"--lang={self.settings.locale}",
            f"--accept-lang={self.settings.locale}",
            "--disable-popup-blocking",
            "--hide-scrollbars",
            "--mute-audio",
            "--disable-gpu",
        ]
        if self.settings.user_agent is not None:
            self.argv.append(f"--user-agent={self.settings.user_agent}")
        if not self.settings.sandbox:
            self.argv.append("--no-sandbox")
        if self.settings.log_keys:
            self.argv.append(f"--ssl-key-log-file={self.keys}")
        self.argv.append("about:blank")
        self.environment = {
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PATH": os.defpath,
            "TMPDIR": str(self.home),
            "TZ": self.settings.timezone,
        }
        ours_read, theirs_write = os.pipe()
        theirs_read, ours_write = os.pipe()
        spec = {
            "argv": self.argv,
            "cwd": str(self.home),
            "env": self.environment,
            "gid": None if who is None else who.pw_gid,
            "log": str(self.home / "browser.log"),
            "uid": None if who is None else who.pw_uid,
        }
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", supervise.__file__, json.dumps(spec)),
                    *(str(theirs_read), str(theirs_write)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs_read, theirs_write),
            )
        finally:
            os.close(theirs_read)
            os.close(theirs_write)
        return ours_read, ours_write

    def stop(self, grace: float = _STOP) -> None:
        """Wait for it to end by itself, `grace` seconds, then kill it and all its children."""
        process = self._process
        if process is None:
            return
        self._process = None
        with suppress(subprocess.TimeoutExpired):
            # Not communicate(), which would close its line of life.
            process.wait(grace)
        said, _ = process.communicate()
        try:
            self.end = json.loads(said)
        except ValueError:
            self.end = {"status": None}

    def messages(self) -> bytes:
        """Return the end of what it printed; a link in its place is not followed."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            descriptor = os.open(self.home / "browser.log", flags)
        except OSError:
            return b""
        with os.fdopen(descriptor, "rb") as file:
            size = os.fstat(descriptor).st_size
            file.seek(max(0, size - _MESSAGES))
            return file.read(_MESSAGES)

    def __enter__(self) -> Chromium:
        """Give the browser, which is stopped at the end of the block."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        """Leave nothing running."""
        self.stop(grace=0)
