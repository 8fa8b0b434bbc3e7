"""RFC 4998 evidence records, against real tokens and against BouncyCastle."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.errors import IntegrityError
from holdfast.testing.authority import Authority
from holdfast.vault import authorities, evidence, token
from holdfast.vault.evidence import ArchiveTimeStamp, Record, grown

if TYPE_CHECKING:
    from holdfast.vault.token import Token

DOCUMENTS = [f"log.example/1\n{n}\nAAAA\n".encode() for n in range(5)]
JARS = [Path("/usr/share/java") / f"{name}.jar" for name in ("bcpkix", "bcprov", "bcutil")]
CHECK = Path(__file__).parent / "evidence" / "Check.java"


class House:
    """An authority, and records over all documents that it renews together."""

    def __init__(self, folder: Path) -> None:
        self.tsa = Authority.made(folder)
        self.pinned = authorities.Authority("a-tsa", "", (self.tsa.root_file.read_text(),))
        self.records = [
            Record.of(self.stamp(token.digest_of(one), "sha256"), "sha256") for one in DOCUMENTS
        ]

    def stamp(self, digest: bytes, name: str) -> bytes:
        query = token.request(digest, name, secrets.randbits(64), None)
        return token.answered(query, self.tsa.reply(query), digest, self.pinned).content

    def judge(self, content: bytes, name: str, digest: bytes) -> Token:
        return token.sound(content, name, digest, self.pinned)

    def renew(self) -> None:
        digest = self.records[0].digest
        root, trees = grown([one.renewing() for one in self.records], digest)
        add = partial(ArchiveTimeStamp, digest, token=self.stamp(root, digest))
        self.records = [
            one.renewed(add(tree=tree)) for one, tree in zip(self.records, trees, strict=True)
        ]

    def rehash(self, digest: str) -> None:
        leaves = [
            one.rehashing(document, digest)
            for one, document in zip(self.records, DOCUMENTS, strict=True)
        ]
        root, trees = grown(leaves, digest)
        add = partial(ArchiveTimeStamp, digest, token=self.stamp(root, digest))
        self.records = [
            one.rehashed(add(tree=tree)) for one, tree in zip(self.records, trees, strict=True)
        ]

    def check(self, at: int) -> list[Token]:
        read = Record.parse(self.records[at].encoded())
        assert read == self.records[at]
        return evidence.check(read, DOCUMENTS[at], self.judge)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "tsa")


def test_a_record_grows_by_renewals_and_stays_good(house: House) -> None:
    """RFC 4998 section 5.2: timestamp renewal, hash-tree renewal, timestamp renewal in it."""
    for stamps, step in (
        (1, ""),
        (2, "renew"),
        (3, "rehash"),
        (4, "renew"),
    ):
        if step == "renew":
            house.renew()
        elif step:
            house.rehash("sha512")
        for at in range(len(DOCUMENTS)):
            tokens = house.check(at)
            assert len(tokens) == stamps
            assert [one.time for one in tokens] == sorted(one.time for one in tokens)
    assert [one.digest for one in house.check(0)] == ["sha256", "sha256", "sha512", "sha512"]


def test_a_record_proves_only_its_own_document(house: House) -> None:
    house.renew()
    house.rehash("sha512")
    with pytest.raises(IntegrityError, match="imprint"):
        evidence.check(house.records[0], DOCUMENTS[1], house.judge)


def test_a_renewal_over_another_stamp_is_found(house: House) -> None:
    house.renew()
    (first, _), mine = house.records[0].chains[0]
    # Records 0 and 1 are siblings in the tree: their lists are the same.
    _, theirs = house.records[2].chains[0]
    swapped = Record((((first, first.encoded()), theirs),))
    with pytest.raises(IntegrityError, match="something else than what is before it"):
        evidence.check(swapped, DOCUMENTS[0], house.judge)
    bare = replace(mine[0], tree=())
    with pytest.raises(IntegrityError, match="imprint"):
        swapped = Record((((first, first.encoded()), (bare, bare.encoded())),))
        evidence.check(swapped, DOCUMENTS[0], house.judge)


def test_a_new_chain_covers_all_chains_before(house: House) -> None:
    """Section 5.3: "a hash value of the concatenation of the data object hash and the hash value of
    all older ArchiveTimeStampChains" """
    before = house.records[0]
    house.renew()
    house.rehash("sha512")
    cut = Record((before.chains[0], house.records[0].chains[1]))
    with pytest.raises(IntegrityError):
        evidence.check(cut, DOCUMENTS[0], house.judge)


def test_a_chain_that_changes_its_digest_is_refused(house: House) -> None:
    """Section 5.3: "All Archive Timestamps within a chain MUST use the same hash algorithm" """
    (only,) = house.records[0].chains
    leaf = token.digest_of(only[0][0].token, "sha512")
    other = ArchiveTimeStamp("sha512", (), house.stamp(leaf, "sha512"))
    with pytest.raises(IntegrityError, match="changes its digest"):
        evidence.check(house.records[0].renewed(other), DOCUMENTS[0], house.judge)


def test_a_renewal_after_the_end_is_none(house: House) -> None:
    """Section 5.3: "Each Archive Timestamp MUST be valid relative to the time of the following
    Archive Timestamp." """
    house.renew()
    ended = house.check(0)[0].time - 1

    def judge(content: bytes, name: str, digest: bytes) -> Token:
        return replace(house.judge(content, name, digest), expires=ended)

    with pytest.raises(IntegrityError, match="had ended already"):
        evidence.check(house.records[0], DOCUMENTS[0], judge)


def test_stamps_in_the_wrong_order_of_time_are_refused(house: House) -> None:
    house.renew()
    times = iter((2_000_000, 1_000_000))

    def judge(content: bytes, name: str, digest: bytes) -> Token:
        return replace(house.judge(content, name, digest), time=next(times))

    with pytest.raises(IntegrityError, match="by one that is older"):
        evidence.check(house.records[0], DOCUMENTS[0], judge)


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40, unique=True))
def test_every_leaf_leads_to_the_root_and_no_other_does(leaves: list[bytes]) -> None:
    """Section 4.3: "the root hash value ... must correspond to hashedMessage" """
    root, trees = grown(leaves, "sha256")
    for leaf, tree in zip(leaves, trees, strict=True):
        stamp = ArchiveTimeStamp("sha256", tree, b"")
        assert evidence.root(leaf, stamp) == root
        stranger = bytes([leaf[0] ^ 1]) + leaf[1:]
        if stranger not in leaves:
            try:
                assert evidence.root(stranger, stamp) != root
            except IntegrityError:
                continue


@given(st.binary(max_size=200))
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError, match="malformed"):
        Record.parse(data)


def test_an_altered_record_is_refused_or_says_the_same(house: House) -> None:
    house.renew()
    written = house.records[2].encoded()
    token_at = written.index(house.records[2].tokens[0])
    for at in (*range(token_at), *range(len(written) - 5, len(written))):
        altered = bytearray(written)
        altered[at] ^= 1
        try:
            evidence.check(Record.parse(bytes(altered)), DOCUMENTS[2], house.judge)
        except IntegrityError:
            continue
        # Only the list of digests at the front is not what is checked.
        assert at < written.index(b"\xa0\x0b"), at


@pytest.fixture(scope="module")
def java() -> list[str]:
    """The command that runs BouncyCastle's check of a record."""
    if shutil.which("java") is None or not all(one.exists() for one in JARS):
        pytest.skip("no Java with BouncyCastle here; install default-jdk-headless, libbcpkix-java")
    return ["java", "-cp", ":".join(map(str, JARS)), str(CHECK)]


def bouncy_castle(
    java: list[str], folder: Path, record: Record, document: bytes
) -> dict[str, str] | None:
    """Return what BouncyCastle says of a record; None where it refuses it."""
    (folder / "record").write_bytes(record.encoded())
    (folder / "document").write_bytes(document)
    files = [str(folder / name) for name in ("record", "document")]
    command = [*java, *files, token.DIGESTS["sha512"]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    if done.returncode:
        assert done.stdout.startswith("refused"), done.stdout
        return None
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def test_bouncy_castle_reads_and_renews_as_we_do(
    java: list[str], house: House, tmp_path: Path
) -> None:
    first = house.records[3]
    said = bouncy_castle(java, tmp_path, first, DOCUMENTS[3])
    assert said is not None
    assert said["encoding"] == first.encoded().hex()
    assert said["renewal"] == first.renewing().hex()
    assert said["rehash"] == first.rehashing(DOCUMENTS[3], "sha512").hex()

    house.renew()
    house.rehash("sha512")
    both = house.records[3]
    said = bouncy_castle(java, tmp_path, both, DOCUMENTS[3])
    assert said is not None
    assert said["encoding"] == both.encoded().hex()
    assert said["renewal"] == both.renewing().hex()
    assert said["rehash"] == both.rehashing(DOCUMENTS[3], "sha512").hex()


def test_bouncy_castle_refuses_what_we_refuse(
    java: list[str], house: House, tmp_path: Path
) -> None:
    house.renew()
    assert bouncy_castle(java, tmp_path, house.records[0], DOCUMENTS[1]) is None
    (first, raw), _ = house.records[0].chains[0]
    theirs = house.records[2].chains[0][1]
    swapped = Record((((first, raw), theirs),))
    assert bouncy_castle(java, tmp_path, swapped, DOCUMENTS[0]) is None
