"""What openssl alone can't check everywhere: the log's ML-DSA-44 signature, evidence records.

`holdfast check` always does; verify.sh does where the machine's openssl can, and else says so.
"""

from __future__ import annotations

import base64
import shutil
import stat
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from holdfast.acts import renewing, stamping
from holdfast.core import clock
from holdfast.exchange.check.bundle import check
from holdfast.exchange.package import verify_script
from holdfast.testing.authority import POLICY, Authority
from holdfast.vault import authorities, cosignature, der, evidence, token
from tests.exchange.making import collect, copied_case, hand_over, remanifest, verify, write
from tests.exchange.outsiders import anchors

if TYPE_CHECKING:
    from pathlib import Path

    from tests.exchange.making import Made

SHIM = """#!{python}
# openssl as of 3.5, where the command here is older: `cryptography` brings that library.
import os, re, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

if sys.argv[1:] == ["version"]:
    print("OpenSSL 3.5.0 8 Apr 2025 (Library: OpenSSL 3.5.0 8 Apr 2025)")
    sys.exit()
given = dict(zip(sys.argv, sys.argv[1:]))
if "second.pem" in given.get("-inkey", ""):
    key = load_pem_public_key(open(given["-inkey"], "rb").read())
    assert isinstance(key, mldsa.MLDSA44PublicKey)
    try:
        key.verify(open(given["-sigfile"], "rb").read(), open(given["-in"], "rb").read())
    except InvalidSignature:
        sys.exit(1)
    sys.exit(0)
os.execv({openssl!r}, ["openssl", *sys.argv[1:]])
"""


def modern(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run verify.sh with an openssl that knows ML-DSA: this machine's, or one that borrows it."""
    tools = folder.parent / "modern"
    tools.mkdir(exist_ok=True)
    openssl = shutil.which("openssl") or ""
    shim = tools / "openssl"
    told = subprocess.run([openssl, "version"], capture_output=True, text=True, check=True).stdout
    if tuple(map(int, told.split()[1].split(".")[:2])) >= (3, 5):
        shim.symlink_to(openssl)
    else:
        shim.write_text(SHIM.format(python=sys.executable, openssl=openssl))
        shim.chmod(shim.stat().st_mode | stat.S_IXUSR)
    for tool in ("sha256sum", "od"):
        if not (tools / tool).exists():
            (tools / tool).symlink_to(shutil.which(tool) or "")
    return subprocess.run(
        [shutil.which("bash") or "", "-s"],
        input=verify_script().decode(),
        cwd=folder,
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_second_signature_is_checked_where_it_can_be(made: Made) -> None:
    found = check(made.folder)
    assert any("ML-DSA-44 key, too" in text for _, text in found.said)
    done = modern(made.folder)
    assert done.returncode == 0, done.stderr
    assert "ML-DSA-44 key, too" in done.stdout


def test_verify_sh_says_what_an_older_openssl_can_not_check(made: Made) -> None:
    done = verify(made.folder)
    assert done.returncode == 0
    assert ("ML-DSA-44 key, too" in done.stdout) != (
        "not checked: openssl before 3.5" in done.stdout
    )


@pytest.mark.attack("Strips the log's second signature in a bundle", "`verify.sh`, `check`")
def test_a_stripped_second_signature_is_a_failure(bundle: Path) -> None:
    path = bundle / "data/proof/checkpoint"
    *lines, _second = path.read_bytes().splitlines(keepends=True)
    write(path, b"".join(lines))
    for name in ("message", "pem", "sig"):
        (bundle / f"data/proof/second.{name}").unlink()
    remanifest(bundle)
    done = verify(bundle)
    assert done.returncode == 1
    assert "was stripped" in done.stderr


@pytest.mark.parametrize("name", ["message", "pem", "sig"])
def test_what_is_given_to_openssl_is_what_the_checkpoint_says(bundle: Path, name: str) -> None:
    path = bundle / f"data/proof/second.{name}"
    data = bytearray(path.read_bytes())
    data[-60] ^= 1
    write(path, bytes(data))
    remanifest(bundle)
    done = verify(bundle)
    assert done.returncode == 1
    assert "ML-DSA-44" in done.stderr


def test_a_forged_second_signature_is_a_failure(bundle: Path) -> None:
    path = bundle / "data/proof/checkpoint"
    *lines, second = path.read_text().splitlines(keepends=True)
    head, _, encoded = second.strip().rpartition(" ")
    blob = bytearray(base64.b64decode(encoded))
    blob[-1] ^= 1
    write(path, "".join([*lines, f"{head} {base64.b64encode(blob).decode()}\n"]).encode())
    write(bundle / "data/proof/second.sig", bytes(blob[12:]))
    remanifest(bundle)
    (problem,) = check(bundle).problems
    assert "ML-DSA-44 signature does not verify" in problem
    done = modern(bundle)
    assert done.returncode == 1
    assert "ML-DSA-44 signature does not verify" in done.stderr


@pytest.fixture(scope="module")
def renewed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, Path]:
    """A bundle whose head was stamped, and the stamp renewed twice: under the same digest, and
    another."""
    base = tmp_path_factory.mktemp("renewed")
    with pytest.MonkeyPatch.context() as patch, Authority.made(base / "a").serving() as server:
        patch.setenv("XDG_STATE_HOME", str(base / "state"))
        work = copied_case(base)
        root = server.root_file.read_text()
        authority = authorities.Authority("a", server.url, (root,), POLICY)
        stamping.set_authorities(work.session, stamping.SetAuthorities((authority,)))
        for number in range(3):  # stamps that are renewed together, by one time-stamp over a tree
            collect(work.session, work.case, base / f"more{number}", (b"x",))
            stamping.stamp_head(work.session)

        def published() -> None:
            stamping.stamp_head(work.session)
            # The old certificate's key is gone: what it stamped is worth what others say of it.
            server.renew(days=3000)
            for wish in (
                renewing.Renew(clock.from_text("2999-12-31")),
                renewing.Renew(clock.now(), "sha512"),
            ):
                (done,) = renewing.renew(work.session, wish)
                assert (done.renewed, done.failed) == (4, ())

        made = hand_over(work, base / "handover", published=published)
    pem = root.split("-----")[2]
    return made, anchors(made, f"#tsa a {''.join(pem.split())}")


def test_an_evidence_record_is_checked(renewed: tuple[Made, Path]) -> None:
    made, given = renewed
    found = check(made.folder, given)
    assert found.verdict == "intact", found
    assert any(
        "a renewed it 2 times; its last certificate ends 20" in text for _, text in found.said
    )
    done = verify(made.folder, "--anchors", given)
    assert done.returncode == 0, done.stderr
    assert "a renewed it 2 times, last at 20" in done.stdout
    assert "expired" not in done.stdout


def edited(record: evidence.Record, tmp_path: Path, how: str) -> evidence.Record:
    """Return the record with the first renewal changed: its tree, or whose time-stamp it is."""
    (first, (renewal, _)), *later = record.chains
    own, *others = renewal.tree
    assert others, "several stamps were renewed at once, so there is a tree"
    if how == "leaf":
        other = replace(renewal, tree=(tuple(bytes(len(one)) for one in own), *others))
    elif how == "sibling":
        other = replace(renewal, tree=(own, *(tuple(one[::-1] for one in x) for x in others)))
    elif how == "digest":
        other = replace(renewal, digest="sha384")
    else:
        digest = evidence.root(token.digest_of(first[0].token), renewal)
        query = token.request(digest, "sha256", 1, None)
        stranger = Authority.made(tmp_path / "stranger").reply(query)
        other = replace(renewal, token=der.parts(stranger)[1])
    return evidence.Record(((first, (other, other.encoded())), *later))


@pytest.mark.parametrize(
    "how", ["bit", "shorter", "other", "rubbish", "leaf", "sibling", "digest", "stranger", "graft"]
)
@pytest.mark.attack("Forges an evidence record", "`verify.sh`, `check`")
def test_a_false_evidence_record_is_a_failure(
    renewed: tuple[Made, Path], tmp_path: Path, how: str
) -> None:
    made, given = renewed
    folder = shutil.copytree(made.folder, tmp_path / "handover")
    path = folder / "data/proof/stamps/a.ers"
    data = path.read_bytes()
    if how == "bit":
        data = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
    elif how == "shorter":
        data = data[:-1]
    elif how == "other":
        record = evidence.Record.parse(data)
        data = evidence.Record((record.chains[1],)).encoded()
    elif how == "rubbish":
        data = b"rubbish"
    elif how == "graft":
        # The renewal of another stamp of the same authority, whole and good, but of that one.
        stamps = made.work.session.vault.log.path / "stamps"
        another = evidence.Record.parse(min(stamps.glob("*/a.ers")).read_bytes())
        first = evidence.Record.parse(data).chains[0][0]
        data = evidence.Record(((first, another.chains[0][1]),)).encoded()
    else:
        data = edited(evidence.Record.parse(data), tmp_path, how).encoded()
    write(path, data)
    remanifest(folder)
    problems = check(folder, given).problems
    assert len(problems) == 1
    assert "stamps/a.ers" in problems[0]
    done = verify(folder, "--anchors", given)
    assert done.returncode == 1
    assert "stamps/a.ers" in done.stderr


def test_an_evidence_record_of_no_stamp_is_a_failure(
    renewed: tuple[Made, Path], tmp_path: Path
) -> None:
    made, given = renewed
    folder = shutil.copytree(made.folder, tmp_path / "handover")
    stamps = folder / "data/proof/stamps"
    write(stamps / "b.ers", (stamps / "a.ers").read_bytes())
    remanifest(folder)
    done = verify(folder, "--anchors", given)
    assert done.returncode == 1
    assert "belongs to no stamp that is here" in done.stderr


pytestmark = pytest.mark.skipif(
    cosignature.new_mldsa("x") is None, reason="this `cryptography` offers no ML-DSA-44"
)
