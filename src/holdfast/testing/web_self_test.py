"""What is exact on this machine's browser: capture the hostile site, and compare.

    python -m holdfast.testing.web_self_test [--browser FILE] [--browser-user NAME]
        [--no-browser-sandbox] [--all] [--keep FILE.wacz]

`holdfast collect web --self-test` runs it. NetLog is Chromium's internal format: after each update
of the browser this says whether captures are still exact. Exit code 5: something was missing or
wrong, and nothing should be captured with this browser until that is mended.
"""

from __future__ import annotations

import argparse
import ipaddress
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pyrage
from cryptography.hazmat.primitives.asymmetric import ec

from holdfast.collect.web import chromium, trust
from holdfast.collect.web.capture import capture
from holdfast.collect.web.order import Order
from holdfast.collect.web.seen import Plan
from holdfast.core.errors import HoldfastError, IntegrityError
from holdfast.testing.hostile.compare import compare
from holdfast.testing.hostile.site import Site
from holdfast.testing.hostile.stored import Stored

if TYPE_CHECKING:
    from holdfast.collect.web.order import Captured
    from holdfast.testing.hostile.compare import Comparison


def run(settings: chromium.Settings, scratch: Path, path: str = "/") -> tuple[Captured, Comparison]:
    """Capture a page of the hostile site; return the capture, and how it compares.

    The site's start page makes everything happen but what crashes or hangs the browser.

    Raises:
        ResourceError: there is no browser.
    """
    site = Site.made(scratch / "site")
    with site.serving():
        order = Order(
            plan=Plan(site.url(path), timeout=60, settle=5),
            settings=settings,
            recipients=(str(pyrage.x25519.Identity.generate().to_public()),),
            key=ec.generate_private_key(ec.SECP384R1()),
            allows=lambda address, _port: address.is_loopback,
            named={name: (ipaddress.ip_address(at),) for name, at in site.hosts.items()},
            roots=trust.read(site.root_file),
        )
        made = capture(order, scratch / "capture")
    return made, compare(site.wire, Stored.read(made.file))


def main(arguments: list[str]) -> int:
    """Print the table; return 0 where all is exact or explained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--browser")
    parser.add_argument("--browser-user")
    parser.add_argument("--no-browser-sandbox", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args(arguments)
    settings = chromium.Settings(
        browser=given.browser, user=given.browser_user, sandbox=not given.no_browser_sandbox
    )
    try:
        with tempfile.TemporaryDirectory(prefix="holdfast-self-test-") as name:
            scratch = Path(name)
            scratch.chmod(0o711)
            made, comparison = run(settings, scratch)
            if given.keep is not None:
                shutil.copyfile(made.file, given.keep)
    except HoldfastError as error:
        print(f"holdfast: {error}", file=sys.stderr)
        return error.exit_code
    print(comparison.table(everything=given.all))
    labels = [one for one in made.assurance if one != "untimed"]
    print(f"browser    {made.browser}")
    print(f"exchanges  {made.exact} of {made.exchanges} exact, the others explained")
    print(f"assurance  {', '.join(labels) or 'nothing is lacking'}")
    return 0 if comparison.good and not labels else IntegrityError.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
