"""A time authority's certificate is revoked: RFC 3161 section 4, with CRLs that `openssl ca` makes.

Revocations are dated before or after the stamps by hours, so that no test waits for a clock.
"""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.acts import renewing, stamping
from holdfast.core import clock
from holdfast.core.errors import InputError
from holdfast.exchange.check.bundle import check
from holdfast.testing.authority import Authority
from holdfast.vault import authorities
from holdfast.vault.stamp_files import StampFiles
from holdfast.vault.verify import verify as verify_vault
from tests.exchange.making import (
    Work,
    collect,
    copied_case,
    files,
    hand_over,
    remanifest,
    verify,
    write,
)
from tests.exchange.outsiders import anchors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from holdfast.vault.report import Report
    from tests.exchange.making import Made

EARLIER, LATER = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-5, 5))


class House:
    """A vault that `a`, and perhaps `b`, stamp; both publish lists of revoked certificates."""

    def __init__(self, base: Path, stack: ExitStack, **settings: Any) -> None:
        self.a, self.b = (
            stack.enter_context(Authority.made(base / name, name=name).serving()) for name in "ab"
        )
        self.a.list_revoked()
        self.b.list_revoked()
        self.work: Work = copied_case(base, (b"a.txt",), **settings)
        self.files = StampFiles(self.work.session.vault.log.path)

    def set(self, *names: str, crl: str = "crl") -> None:
        found = tuple(
            authorities.Authority(
                name, one.url, (one.root_file.read_text(),), None, (f"{one.url}{crl}",)
            )
            for name, one in (("a", self.a), ("b", self.b))
            if name in names
        )
        stamping.set_authorities(self.work.session, stamping.SetAuthorities(found))

    def stamp(self) -> list[stamping.Outcome]:
        return stamping.stamp_head(self.work.session)

    def again(self) -> list[stamping.Outcome]:
        """Stamp once more, with something new in the log."""
        made = len(list(self.work.base.glob("again*")))
        collect(self.work.session, self.work.case, self.work.base / f"again{made}", (b"x",))
        return self.stamp()

    def verified(self) -> Report:
        return verify_vault(self.work.session.vault, 1, lambda *_: None)

    def handed_over(self) -> tuple[Made, Path]:
        def published() -> None:
            self.stamp()

        made = hand_over(self.work, self.work.base / "handover", published=published)
        pem = "".join(self.a.root_file.read_text().split("-----")[2].split())
        return made, anchors(made, f"#tsa a {pem}")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with ExitStack() as stack:
        yield House(tmp_path, stack)


def test_the_list_is_kept_beside_the_stamp_and_openssl_reads_it(house: House) -> None:
    house.set("a")
    (done,) = house.stamp()
    assert (done.state, done.crls) == ("stamped", "")
    kept = house.files.folder(done.size) / "a.crls"
    trusted = house.work.base / "trusted.pem"
    trusted.write_bytes(house.a.root_file.read_bytes() + kept.read_bytes())
    command = ["openssl", "ts", "-verify", "-crl_check", "-data", "checkpoint.text"]
    command += ["-in", "a.tsr", "-CAfile", str(trusted)]
    openssl = subprocess.run(command, cwd=kept.parent, capture_output=True, text=True, check=False)
    assert openssl.returncode == 0, openssl.stderr
    report = house.verified()
    assert not report.problems
    assert not report.marked


def test_a_list_that_can_not_be_had_is_said_and_stops_no_stamp(house: House) -> None:
    house.set("a", crl="nowhere")
    (done,) = house.stamp()
    assert done.state == "stamped"
    assert "HTTP 404" in done.crls
    house.set("a", crl="crl")
    (house.a.folder / "crl.pem").write_text("rubbish")
    (done,) = house.again()
    assert "no list of revoked certificates" in done.crls
    assert not house.verified().problems


def test_only_addresses_of_the_log_are_asked(house: House) -> None:
    for address in ("file:///etc/passwd", "ftp://127.0.0.1/a", "http://u:p@127.0.0.1/"):
        with pytest.raises(InputError):
            authorities.Authority.parse(
                {"name": "a", "url": house.a.url, "roots": ["x"], "crls": [address]}
            )


@pytest.mark.parametrize("reason", ["affiliationChanged", "superseded", "cessationOfOperation"])
def test_a_stamp_before_a_harmless_revocation_stays_good(house: House, reason: str) -> None:
    """RFC 3161 section 4, item 1: what was stamped before the revocation remains valid."""
    house.set("a")
    house.stamp()
    house.a.revoke(reason, LATER)
    house.stamp()
    report = house.verified()
    assert not report.problems
    assert not report.marked
    assert report.timing is not None
    assert report.timing.stamped


@pytest.mark.attack("Stamps on with a certificate that was revoked", "`verify`")
def test_a_stamp_after_a_harmless_revocation_is_none(house: House) -> None:
    """RFC 3161 section 4, item 1: what is signed with that key at a later time is not."""
    house.set("a")
    house.a.revoke("superseded", EARLIER)
    house.stamp()
    (problem,) = house.verified().problems
    assert "was revoked on" in problem
    assert "before it stamped this" in problem


@pytest.mark.parametrize("reason", ["keyCompromise", "CACompromise", "certificateHold", ""])
def test_a_stamp_whose_key_may_be_in_other_hands_counts_for_nothing(
    house: House, reason: str
) -> None:
    """RFC 3161 section 4: item 2, a compromised key; item 1, no reason said at all."""
    house.set("a")
    house.a.revoke(reason, LATER)
    house.stamp()
    report = house.verified()
    assert not report.problems
    (marked,) = report.marked
    assert "counts for nothing" in marked
    assert report.timing is not None
    assert not report.timing.stamped
    assert not report.timing.timed


def test_another_authoritys_stamp_from_before_shows_that_it_was_there(house: House) -> None:
    """RFC 3161 section 4, item 2, names stamps of two authorities as a way out."""
    house.set("a", "b")
    house.stamp()
    house.again()
    house.a.revoke("keyCompromise", LATER)
    house.stamp()
    report = house.verified()
    assert not report.problems
    # The last stamp of `a` has no later one of `b` over the entry that names it; the first has.
    (marked,) = report.marked
    assert f"first {max(house.files.sizes())} entries" in marked
    assert report.timing is not None
    assert report.timing.standings[0].size == min(house.files.sizes())


def test_another_authoritys_stamp_from_after_the_theft_shows_nothing(house: House) -> None:
    house.set("a", "b")
    house.stamp()
    house.again()
    house.a.revoke("keyCompromise", EARLIER)
    house.stamp()
    assert len(house.verified().marked) == 2


def test_a_renewal_from_before_the_theft_shows_that_it_was_there(house: House) -> None:
    house.set("a")
    house.stamp()
    old = (house.a.folder / "tsa.pem").read_bytes()
    house.a.renew(days=3000)
    (done,) = renewing.renew(house.work.session, renewing.Renew(clock.from_text("2999-12-31")))
    assert done.renewed == 1
    new = (house.a.folder / "tsa.pem").read_bytes()
    (house.a.folder / "tsa.pem").write_bytes(old)
    house.a.revoke("keyCompromise", LATER)
    (house.a.folder / "tsa.pem").write_bytes(new)
    house.stamp()
    report = house.verified()
    assert not report.problems
    assert not report.marked


def test_a_list_that_another_signed_says_nothing(house: House) -> None:
    """Somebody who has the issuer's name, not its key, wants the stamps out of the way."""
    forger = Authority.made(house.work.base / "forger", name="a")
    (forger.folder / "tsa.pem").write_bytes((house.a.folder / "tsa.pem").read_bytes())
    forger.revoke("keyCompromise", EARLIER)
    (house.a.folder / "crl.pem").write_bytes((forger.folder / "crl.pem").read_bytes())
    house.set("a")
    made, given = house.handed_over()
    report = house.verified()
    assert not report.marked
    assert not report.problems
    done = verify(made.folder, "--anchors", given)
    assert done.returncode == 0, done.stderr
    assert "its list is by somebody else" in done.stdout
    assert "its list is by somebody else" in str(check(made.folder, given).said)


# --- in a bundle, by both checkers


def test_in_a_bundle_a_stamp_before_a_harmless_revocation_counts(house: House) -> None:
    house.set("a")
    house.a.revoke("cessationOfOperation", LATER)
    made, given = house.handed_over()
    done = verify(made.folder, "--anchors", given)
    assert done.returncode == 0, done.stderr
    assert "(Cessation Of Operation), after it" in done.stdout
    assert "Untimed" not in done.stdout


def test_in_a_bundle_a_stamp_after_its_revocation_is_a_failure(house: House) -> None:
    house.set("a")
    house.a.revoke("superseded", EARLIER)
    made, given = house.handed_over()
    done = verify(made.folder, "--anchors", given)
    assert done.returncode == 1
    assert "before it stamped this" in done.stderr
    assert "before it stamped this" in str(check(made.folder, given).problems)


@pytest.mark.parametrize("reason", ["keyCompromise", ""])
def test_in_a_bundle_a_compromised_authority_counts_for_nothing(house: House, reason: str) -> None:
    house.set("a")
    house.a.revoke(reason, LATER)
    made, given = house.handed_over()
    done = verify(made.folder, "--anchors", given)
    assert done.returncode == 0, done.stderr
    assert "counts for nothing" in done.stdout
    assert "Untimed" in done.stdout
    assert "counts for nothing" in str(check(made.folder, given).said)


def test_in_a_vault_that_demands_time_that_is_a_failure(tmp_path: Path) -> None:
    with ExitStack() as stack:
        house = House(tmp_path, stack, require=("timed",))
        house.set("a")
        house.a.revoke("keyCompromise", LATER)
        made, given = house.handed_over()
    done = verify(made.folder, "--anchors", given)
    assert done.returncode == 1
    assert "untimed" in done.stderr


def test_in_a_bundle_a_list_that_revokes_nobody_is_said(house: House) -> None:
    house.set("a")
    made, given = house.handed_over()
    assert "data/proof/stamps/a.crls" in files(made.folder)
    done = verify(made.folder, "--anchors", given)
    assert done.returncode == 0, done.stderr
    assert "not revoked, by the list" in done.stdout
    path = made.folder / "data/proof/stamps/a.crls"
    write(path, b"rubbish\n")
    remanifest(made.folder)
    assert verify(made.folder, "--anchors", given).returncode == 1
    path.unlink()
    write(path.with_name("z.crls"), (house.a.folder / "crl.pem").read_bytes())
    remanifest(made.folder)
    done = verify(made.folder, "--anchors", given)
    assert "belongs to no stamp" in done.stderr
