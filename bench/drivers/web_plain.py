"""Launch a plain Chromium, load a page, print its DOM, close: what a capture is compared with.

    python web_plain.py URL RULES ROOT [netlog | mitmproxy PROGRAM]

RULES and ROOT are the hostile site's resolver rules and its authority's certificate, which the
profile trusts as a capture's does: checking a chain takes its time on every side. With `netlog` the
browser writes the log that a capture is made from; with `mitmproxy` it goes through mitmdump,
which writes its flows to the file `flows`. The flags are those of a capture, so that only these
differ.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from holdfast.collect.web import chromium, trust


def main(arguments: list[str]) -> int:
    """Do it; return the browser's exit code."""
    url, rules, root, *ways = arguments
    home = Path(tempfile.mkdtemp(prefix="bench-web-", dir="/tmp"))
    owner = chromium.account(None)
    more: list[str] = []
    proxy: subprocess.Popen[bytes] | None = None
    try:
        if owner is not None:
            os.chown(home, owner.pw_uid, owner.pw_gid)
        trust.install(home, trust.read(Path(root)), owner)
        if "netlog" in ways:
            more = [f"--log-net-log={home}/netlog.json", "--net-log-capture-mode=Everything"]
        if "mitmproxy" in ways:
            proxy, port = _mitmproxy(home, rules, ways[-1])
            more = [f"--proxy-server=127.0.0.1:{port}", "--ignore-certificate-errors"]
        command = [
            chromium.find(None),
            *("--headless=new", "--disable-quic", "--disable-gpu", *chromium.QUIET),
            *(f"--user-data-dir={home}/profile", f"--host-resolver-rules={rules}"),
            *(*more, "--dump-dom", url),
        ]
        return subprocess.run(
            command,
            env={"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
            timeout=120,
            check=False,
        ).returncode
    finally:
        if proxy is not None:
            proxy.terminate()
            proxy.wait()
        shutil.rmtree(home, ignore_errors=True)


def _mitmproxy(home: Path, rules: str, program: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start mitmdump; the site's names are all on the loopback, which it is told by an add-on."""
    hosts = {word.split()[1]: word.split()[2] for word in rules.split(",")}
    addon = home / "names.py"
    addon.write_text(
        f"HOSTS = {hosts!r}\n"
        "def server_connect(data):\n"
        "    host, port = data.server.address\n"
        "    data.server.address = (HOSTS.get(host, host), port)\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    started = subprocess.Popen(
        [
            *(program, "--quiet", "--listen-host", "127.0.0.1", "--listen-port", str(port)),
            *("--ssl-insecure", "--set", f"confdir={home}/mitm"),
            *("--scripts", str(addon), "--save-stream-file", "flows"),
        ]
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return started, port
        except OSError:
            time.sleep(0.02)
    started.kill()
    raise TimeoutError("mitmdump did not start")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
