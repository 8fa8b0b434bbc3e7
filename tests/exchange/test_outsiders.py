"""What witnesses and time-stamping authorities said is in a bundle, and held to the anchors."""

from __future__ import annotations

import base64
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from holdfast.core.errors import IntegrityError
from holdfast.exchange.check.bundle import check
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.entry import Draft
from tests.exchange.making import Made, copied_case, hand_over, remanifest, verify, write
from tests.exchange.outsiders import Authority, Modern, Witness, anchors, cosign, stamp
from tests.exchange.verdicts import fails

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLICY = "group all-three 2 court bar abroad"


@dataclass(frozen=True)
class Scene:
    """A bundle that three witnesses and two authorities confirmed, in a vault that demands it."""

    made: Made
    witnesses: tuple[Witness, ...]
    authorities: tuple[Authority, ...]

    @property
    def lines(self) -> list[str]:
        """The anchors' lines but the log's."""
        names = ("court", "bar", "abroad")
        known = [
            f"witness {n} {w.vkey} https://{n}.example/"
            for n, w in zip(names, self.witnesses, strict=True)
        ]
        return [*known, POLICY, "quorum all-three", *(one.anchor for one in self.authorities)]

    @property
    def anchors(self) -> Path:
        """The whole file."""
        return anchors(self.made, *self.lines)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    base = tmp_path_factory.mktemp("outsiders")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(base / "state"))
        work = copied_case(base, (b"a", b"b"), require=("witnessed", "timed"))
        witnesses = tuple(Witness(f"{name}.example/w") for name in ("court", "bar", "abroad"))
        authorities = tuple(Authority.make(name, base / name) for name in ("alpha", "beta"))

        def publish() -> None:
            cosign(work, *witnesses)
            stamp(work, *authorities)

        yield Scene(hand_over(work, base / "handover", published=publish), witnesses, authorities)


@pytest.fixture
def bundle(scene: Scene, tmp_path: Path) -> Path:
    return shutil.copytree(scene.made.folder, tmp_path / "handover")


def _strip(bundle: Path, *gone: Witness) -> None:
    """Remove signatures, and write what is left as if they had never been."""
    path = bundle / "data/proof/cosigned"
    text, _, lines = path.read_text("utf-8").rpartition("\n\n")
    kept = [
        line
        for line in lines.splitlines()
        if not any(line.startswith(f"— {one.name} ") for one in gone)
    ]
    write(path, (text + "\n\n" + "\n".join(kept) + "\n").encode())
    shutil.rmtree(bundle / "data/proof/witnesses")
    for at, line in enumerate(kept, 1):
        blob = base64.b64decode(line.rpartition(" ")[2])
        if len(blob) == 76:
            time = int.from_bytes(blob[4:12], "big")
            message = f"cosignature/v1\ntime {time}\n{text}\n".encode()
            write(bundle / f"data/proof/witnesses/{at}.message", message)
            write(bundle / f"data/proof/witnesses/{at}.sig", blob[12:])
    remanifest(bundle)


def test_witnesses_and_stamps_are_named(scene: Scene) -> None:
    done = verify(scene.made.folder, "--anchors", scene.anchors)
    assert (done.returncode, done.stderr) == (0, "")
    assert "signed this head: court (2026-09-21 14:13:20 UTC), bar (2026-09-21" in done.stdout
    assert "the quorum all-three of your anchors is met" in done.stdout
    assert "alpha confirms that this head was there at 20" in done.stdout
    assert "beta confirms that this head was there at 20" in done.stdout
    for said in ("Unwitnessed", "Untimed", "NOT"):
        assert said not in done.stdout
    assert done.stdout.endswith("\nINTACT\n")


def test_without_anchors_they_are_held_to_nothing(scene: Scene) -> None:
    done = verify(scene.made.folder)
    assert done.returncode == 0, done.stderr
    assert "3 cosignatures are by keys not in your anchors: NOT held to anything" in done.stdout
    assert "alpha, beta: a stamp that your anchors have no root for, NOT held" in done.stdout
    assert "Unwitnessed" in done.stdout
    assert "Untimed" in done.stdout


def test_one_witness_may_be_away(scene: Scene, bundle: Path) -> None:
    _strip(bundle, scene.witnesses[1])
    done = verify(bundle, "--anchors", scene.anchors)
    assert done.returncode == 0, done.stderr
    assert "court (" in done.stdout
    assert "bar (" not in done.stdout


@pytest.mark.attack("Strips a cosignature in a bundle", "`verify.sh`, `check`")
def test_a_stripped_cosignature(scene: Scene, bundle: Path) -> None:
    _strip(bundle, *scene.witnesses[1:])
    said = fails(
        bundle, "demand the quorum all-three, and it is not met", "--anchors", scene.anchors
    )
    assert "Signed have: court" in said


def test_all_cosignatures_stripped(scene: Scene, bundle: Path) -> None:
    _strip(bundle, *scene.witnesses)
    fails(bundle, "the vault demands witnesses, and this bundle is unwitnessed")
    (bundle / "data/proof/cosigned").unlink()
    remanifest(bundle)
    fails(bundle, "the vault demands witnesses, and this bundle is unwitnessed")
    fails(bundle, "demand the quorum all-three", "--anchors", scene.anchors)


def test_anchors_that_name_no_witness_do_not_meet_a_vault_that_demands_one(scene: Scene) -> None:
    given = anchors(scene.made, *(one.anchor for one in scene.authorities))
    fails(scene.made.folder, "the vault demands witnesses", "--anchors", given)


def test_anchors_that_name_no_authority_do_not_meet_a_vault_that_demands_one(scene: Scene) -> None:
    given = anchors(scene.made, *scene.lines[:-2])
    fails(scene.made.folder, "the vault demands trusted time", "--anchors", given)


def first_witness(bundle: Path) -> Path:
    """Return the first cosignature's message: the log's own signatures stand on lines before."""
    found = (bundle / "data/proof/witnesses").glob("*.message")
    return min(found, key=lambda path: int(path.stem))


def test_a_cosignature_that_does_not_verify(scene: Scene, bundle: Path) -> None:
    path, sig = bundle / "data/proof/cosigned", first_witness(bundle).with_suffix(".sig")
    *lines, last = path.read_text("utf-8").splitlines()
    forged = bytes([sig.read_bytes()[0] ^ 1]) + sig.read_bytes()[1:]
    old = lines[-2].rpartition(" ")
    blob = base64.b64decode(old[2])[:12] + forged
    lines[-2] = f"{old[0]} {base64.b64encode(blob).decode()}"
    write(path, ("\n".join([*lines, last]) + "\n").encode())
    write(sig, forged)
    remanifest(bundle)
    fails(bundle, "the signature of the witness court does not verify", "--anchors", scene.anchors)


def test_a_cosignature_moved_to_another_time(scene: Scene, bundle: Path) -> None:
    message = first_witness(bundle)
    write(message, message.read_bytes().replace(b"time 17", b"time 16"))
    remanifest(bundle)
    fails(
        bundle,
        f"data/proof/witnesses/{message.stem}: is not what line {message.stem}",
        "--anchors",
        scene.anchors,
    )


def test_a_forgers_witnesses_of_the_same_names(scene: Scene, tmp_path: Path) -> None:
    """Forged from end to end with the log's true key: only the anchors' witnesses tell."""
    work = copied_case(tmp_path, (b"a",), require=("witnessed",))
    fakes = [Witness(one.name) for one in scene.witnesses]
    made = hand_over(work, tmp_path / "handover", published=lambda: cosign(work, *fakes))
    given = anchors(made, *scene.lines)
    said = fails(made.folder, "demand the quorum all-three", "--anchors", given)
    assert "the vault demands witnesses" in said
    assert verify(made.folder).returncode == 0


def test_a_wholly_forged_bundle_with_the_true_witnesses_names(scene: Scene, tmp_path: Path) -> None:
    work = copied_case(tmp_path, (b"a",), origin=scene.made.work.session.vault.log.origin)
    fakes = [Witness(one.name) for one in scene.witnesses]
    made = hand_over(work, tmp_path / "handover", published=lambda: cosign(work, *fakes))
    fails(made.folder, "demand the quorum all-three", "--anchors", scene.anchors)


@pytest.mark.attack("Replays an old cosigned checkpoint", "`verify.sh`, `check`")
def test_an_old_cosigned_checkpoint_is_replayed(tmp_path: Path) -> None:
    """The witnesses' true signatures, of a day before the hand-over."""
    work = copied_case(tmp_path, (b"a",))
    witness = Witness("court.example/w")
    cosign(work, witness)
    old = next((work.session.vault.log.path / "cosigned").iterdir())
    made = hand_over(work, tmp_path / "handover")
    given = anchors(made, f"witness court {witness.vkey}", "quorum court")
    assert not (made.folder / "data/proof/cosigned").exists()
    fails(made.folder, "demand the quorum court", "--anchors", given)
    write(made.folder / "data/proof/cosigned", old.read_bytes())
    remanifest(made.folder)
    fails(made.folder, "data/proof/cosigned: is not checkpoint.text", "--anchors", given)


@pytest.mark.attack("Strips a stamp", "`verify.sh`, `check`")
def test_a_stripped_stamp(scene: Scene, bundle: Path) -> None:
    (bundle / "data/proof/stamps/alpha.tsr").unlink()
    remanifest(bundle)
    assert verify(bundle, "--anchors", scene.anchors).returncode == 0
    (bundle / "data/proof/stamps/beta.tsr").unlink()
    remanifest(bundle)
    fails(bundle, "this bundle is untimed", "--anchors", scene.anchors)
    fails(bundle, "this bundle is untimed")


def test_a_stamp_where_nothing_demands_it_is_missed_aloud(tmp_path: Path) -> None:
    made = hand_over(copied_case(tmp_path, (b"a",)), tmp_path / "handover")
    done = verify(made.folder, "--anchors", made.anchors)
    assert done.returncode == 0
    assert "Untimed" in done.stdout


@pytest.mark.attack("Swaps a time authority", "`verify.sh`, `check`")
def test_a_swapped_authority(scene: Scene, bundle: Path, tmp_path: Path) -> None:
    """A token by somebody else, over the true head, under the true authority's name."""
    other = Authority.make("alpha", tmp_path / "other")
    text = (bundle / "data/proof/checkpoint.text").read_bytes()
    write(bundle / "data/proof/stamps/alpha.tsr", other.stamp(text))
    remanifest(bundle)
    fails(bundle, "data/proof/stamps/alpha.tsr: does not verify", "--anchors", scene.anchors)


def test_two_authorities_changed_with_one_another(scene: Scene, bundle: Path) -> None:
    stamps = bundle / "data/proof/stamps"
    (stamps / "alpha.tsr").rename(stamps / "x")
    (stamps / "beta.tsr").rename(stamps / "alpha.tsr")
    (stamps / "x").rename(stamps / "beta.tsr")
    remanifest(bundle)
    fails(bundle, "data/proof/stamps/alpha.tsr: does not verify", "--anchors", scene.anchors)


def test_a_stamp_over_something_else(scene: Scene, bundle: Path) -> None:
    write(bundle / "data/proof/stamps/beta.tsr", scene.authorities[1].stamp(b"something else"))
    remanifest(bundle)
    fails(bundle, "data/proof/stamps/beta.tsr: does not verify", "--anchors", scene.anchors)


@pytest.mark.parametrize("data", [b"", b"x", bytes(5000), b"0\x03\x02\x01\x00"])
def test_a_stamp_that_is_none(scene: Scene, bundle: Path, data: bytes) -> None:
    write(bundle / "data/proof/stamps/beta.tsr", data)
    remanifest(bundle)
    fails(bundle, "data/proof/stamps/beta.tsr: is no granted", "--anchors", scene.anchors)


def test_an_authority_whose_certificate_has_expired_since(tmp_path: Path) -> None:
    """OpenSSL alone would reject it: it takes the present for the time of the stamp."""
    work = copied_case(tmp_path, (b"a",))
    old = Authority.make("old", tmp_path / "tsa", (2020, 2022))
    made = hand_over(work, tmp_path / "handover", published=lambda: stamp(work, old))
    given, token = anchors(made, old.anchor), made.folder / "data/proof/stamps/old.tsr"
    text = (made.folder / "data/proof/checkpoint.text").read_bytes()
    write(token, old.stamp_in(2021, text))
    remanifest(made.folder)
    done = verify(made.folder, "--anchors", given)
    assert done.returncode == 0, done.stderr
    said = "was there at 2021-01-02 03:04:05 UTC; its certificate has expired since"
    assert said in done.stdout
    write(token, old.stamp_in(2023, text))
    remanifest(made.folder)
    fails(made.folder, "data/proof/stamps/old.tsr: does not verify", "--anchors", given)


def test_no_part_of_what_they_said_can_be_spoiled(scene: Scene, tmp_path: Path) -> None:
    number = int(first_witness(scene.made.folder).stem)
    for name in (
        "cosigned", f"witnesses/{number}.message", f"witnesses/{number + 1}.sig",
        "stamps/alpha.tsr",
    ):  # fmt: skip
        # Of the cosigned checkpoint the head, and the last witness's line; the log's own second
        # signature between them is beyond a stock openssl.
        for at in (0.3, 0.99) if name != "cosigned" else (0.001, 0.99):
            bundle = shutil.copytree(scene.made.folder, tmp_path / os.urandom(4).hex() / "x")
            path = bundle / "data/proof" / name
            data = bytearray(path.read_bytes())
            data[int(len(data) * at)] ^= 1
            write(path, bytes(data))
            fails(bundle, f"data/proof/{name}", "--anchors", scene.anchors)
            remanifest(bundle)
            fails(bundle, "FAILED", "--anchors", scene.anchors)


@pytest.mark.parametrize(
    "name", ["stamps/x.tsq", "stamps/alpha", "witnesses/9.sig", "witnesses/x", "cosigned2"]
)
def test_nothing_can_be_added_to_them(scene: Scene, bundle: Path, name: str) -> None:
    write(bundle / "data/proof" / name, b"x")
    remanifest(bundle)
    fails(bundle, "FAILED", "--anchors", scene.anchors)


# --- the anchors' policy -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "met"),
    [
        (["quorum court"], True),
        (["quorum none"], True),
        ([], True),
        (["group g any court abroad", "quorum g"], True),
        (["group g all court bar", "quorum g"], True),
        (["group g all court absent", "quorum g"], False),
        (["group g 2 court bar absent", "quorum g"], True),
        (["group g 3 court bar absent", "quorum g"], False),
        (["quorum absent"], False),
        (["group x all court bar", "group y any absent abroad", "group z all x y",
          "quorum z"], True),
        (["group x all court absent", "group y any bar abroad", "group z 2 x y",
          "quorum z"], False),
    ],
)  # fmt: skip
def test_quorums(scene: Scene, lines: list[str], met: bool) -> None:
    """C2SP tlog-policy: a group does if and only if at least k of its members have."""
    absent = Witness("absent.example/w")
    given = anchors(
        scene.made, *scene.lines[:3], f"witness absent {absent.vkey}", *lines, *scene.lines[-2:]
    )
    done = verify(scene.made.folder, "--anchors", given)
    assert done.returncode == (0 if met else 1), done.stdout + done.stderr
    assert met or "and it is not met" in done.stderr


@pytest.mark.parametrize(
    "line",
    [
        "quorum nobody", "group g all", "group g 0 court", "group g 2 court", "group g x court",
        "group g all court court", "group g all nobody", "group none all court",
        "group court all bar", "witness court {new}", "witness other {court}", "witness none {new}",
        "witness other {log}", "quorum", "quorum court bar", "#tsa alpha x!", "witness x y",
        "#tsa alpha QUJD more", "log {court}", "group 1 01 court", "policy x", "#tsa alpha QUJD",
    ],
)  # fmt: skip
def test_a_policy_that_is_none(scene: Scene, line: str) -> None:
    court = scene.witnesses[0].vkey
    text = line.format(new=Witness("x").vkey, court=court, log=scene.made.written.vkey)
    given = anchors(scene.made, *scene.lines[:3], text)
    fails(scene.made.folder, "anchors: a line that", "--anchors", given)


def test_as_many_witnesses_as_the_specification_asks_for_and_more(scene: Scene) -> None:
    """C2SP tlog-policy: "supports at least up to 32 logs, 32 witnesses, and 32 groups"."""
    more = [Witness(f"w{at}.example") for at in range(120)]
    lines = [f"witness w{at} {one.vkey}" for at, one in enumerate(more)]
    groups = [f"group g{at} any w{at}" for at in range(40)]
    all_ = " ".join([f"w{at}" for at in range(40, 120)] + [f"g{at}" for at in range(40)])
    for least, met in ((3, True), (123, False)):
        last = f"group last {least} court bar abroad {all_}"
        given = anchors(scene.made, *scene.lines[:3], *lines, *groups, last, "quorum last",
                        *scene.lines[-2:])  # fmt: skip
        done = verify(scene.made.folder, "--anchors", given)
        assert (done.returncode == 0) == met, done.stderr


def test_two_quorums(scene: Scene) -> None:
    given = anchors(scene.made, *scene.lines[:3], "quorum court", "quorum none")
    fails(scene.made.folder, "anchors: a line that", "--anchors", given)


def test_a_policy_with_tabs_spaces_and_remarks(scene: Scene) -> None:
    """C2SP tlog-policy: "sequences of ASCII space and tab characters"; lines starting with "#"."""
    lines = ["\t" + line.rstrip().replace(" ", "  \t") + " " for line in scene.lines]
    given = anchors(scene.made, "", " \t", "  # remark", "#tsaother", *lines)
    done = verify(scene.made.folder, "--anchors", given)
    assert done.returncode == 0, done.stderr


def test_ml_dsa_44_counts_where_it_can_be_checked(scene: Scene, tmp_path: Path) -> None:
    """`verify.sh` says that it can't, and holds the quorum unmet; `holdfast check` can."""
    work = copied_case(tmp_path, (b"a",))
    modern = Modern("court.example/new")
    made = hand_over(
        work, tmp_path / "handover", published=lambda: cosign(work, modern, scene.witnesses[0])
    )
    old = f"witness old {scene.witnesses[0].vkey}"
    given = anchors(made, f"witness new {modern.vkey}", old, "quorum new")
    found = check(made.folder, given)
    assert found.verdict == "intact", found
    assert "new (2026-09-21 14:13:20 UTC)" in str(found.said)
    done = verify(made.folder, "--anchors", given, both=False)
    assert done.returncode == 1
    assert "Signed have: old (2026-09-21 14:13:20 UTC); not checked, being ML-DSA-44: new" in (
        done.stderr
    )
    done = verify(made.folder, "--anchors", anchors(made, f"witness new {modern.vkey}", old))
    assert done.returncode == 0, done.stderr
    assert "not checked, ML-DSA-44: new" in done.stdout
    signed = made.folder / "data/proof/cosigned"
    text = signed.read_text("utf-8")
    forged = modern.line(text.partition("\n\n")[0] + "\n", 1).split()[2]
    line = next(one for one in text.splitlines() if one.startswith("— court.example/new "))
    write(signed, text.replace(line.split()[2], forged[:16] + line.split()[2][16:]).encode())
    remanifest(made.folder)
    assert "the signature of the witness new does not verify" in str(
        check(made.folder, given).problems
    )


def test_a_key_with_plus_signs_is_not_taken_for_another(scene: Scene) -> None:
    """Base64 has `+` too; keys that end alike are not the same key."""
    some: list[Witness] = []
    while len(some) < 2:
        one = Witness(f"w{len(some)}.example")
        if one.vkey.endswith("+A"):
            some.append(one)
    lines = [f"witness n{at} {one.vkey}" for at, one in enumerate(some)]
    given = anchors(scene.made, *scene.lines, *lines)
    done = verify(scene.made.folder, "--anchors", given)
    assert done.returncode == 0, done.stderr


# --- which checkpoint a bundle takes -------------------------------------------------------------


def test_the_newest_that_was_both_cosigned_and_stamped(scene: Scene, tmp_path: Path) -> None:
    work = copied_case(tmp_path, (b"a",))
    vault = work.session.vault

    def publish() -> None:
        cosign(work, scene.witnesses[0])
        stamp(work, scene.authorities[0])
        work.session.custody.enter(Draft("search", None, {}))
        cosign(work, scene.witnesses[0])

    made = hand_over(work, tmp_path / "handover", published=publish)
    size = int((made.folder / "data/proof/checkpoint.text").read_text().splitlines()[1])
    assert size == vault.log.head().size - 1
    given = anchors(made, *scene.lines[:1], "quorum court", *scene.lines[-2:])
    assert verify(made.folder, "--anchors", given).returncode == 0


def test_a_head_that_was_only_stamped_and_grew_since(scene: Scene, tmp_path: Path) -> None:
    work = copied_case(tmp_path, (b"a",))

    def publish() -> None:
        stamp(work, scene.authorities[0])
        work.session.custody.enter(Draft("search", None, {}))

    made = hand_over(work, tmp_path / "handover", published=publish)
    done = verify(made.folder, "--anchors", anchors(made, scene.authorities[0].anchor))
    assert done.returncode == 0, done.stderr
    assert "alpha confirms" in done.stdout


def test_a_cosigned_checkpoint_of_another_past_is_not_handed_over(
    scene: Scene, tmp_path: Path
) -> None:
    work = copied_case(tmp_path, (b"a",))
    vault = work.session.vault

    def publish() -> None:
        cosign(work, scene.witnesses[0])
        path = next((vault.log.path / "cosigned").iterdir())
        false = Checkpoint(vault.log.origin, vault.log.head().size, bytes(32))
        line = scene.witnesses[0].line(false.text())
        path.write_text(vault.log.sign(false) + line, "utf-8")

    with pytest.raises(IntegrityError, match="not of this log's past"):
        hand_over(work, tmp_path / "handover", published=publish)
    assert not (tmp_path / "handover").exists()
