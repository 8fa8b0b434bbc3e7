"""Make a vault with a case, and a bundle of it, as the acts do."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from holdfast.acts.act import Session
from holdfast.acts.cases import OpenCase, open_case
from holdfast.acts.collecting import CollectFiles, collect_files
from holdfast.acts.originals import open_original
from holdfast.acts.vaults import NewVault, init
from holdfast.cases import exhibits
from holdfast.core.errors import InputError
from holdfast.examine.results import Dataset
from holdfast.exchange.check.bundle import check
from holdfast.exchange.package import ACT, Contents, Written, verify_script, write_bundle
from holdfast.vault.entry import Draft
from holdfast.vault.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.cases.case import Case
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.exchange.package import Commit
    from holdfast.vault.entry import Entry

TOOLS = ("bash", "sha256sum", "openssl", "od")


@dataclass(frozen=True)
class Work:
    """A vault with an open case that holds evidence."""

    base: Path
    session: Session
    case: Case

    @property
    def exhibits(self) -> list[Exhibit]:
        """All of the case."""
        return self.session.look_up(lambda c: list(exhibits.of_case(c, self.case.id)))


@dataclass(frozen=True)
class Made:
    """A bundle, what it was made of, and the genuine anchors."""

    work: Work
    folder: Path
    written: Written
    anchors: Path


NAMES = (b"a.txt", b"b", b"c", b"d", b"e", b"f", b"empty", b"=1+1.txt")


def copied_case(base: Path, names: tuple[bytes, ...] = NAMES, **settings: Any) -> Work:
    """Return a copy of what `new_case` made once for the same names and settings, with one key.

    Not where a test has altered how a vault or a case is made.
    """
    key = (names, *sorted(settings.items()))
    if key not in _made:
        folder = Path(_PLACE.name, str(len(_made)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_STATE_HOME", str(folder / "state"))
            work = new_case(folder / "case", names, **settings)
            work.session.vault.engine.dispose()
        _made[key] = folder / "case", work.case
    template, case = _made[key]
    base.mkdir(exist_ok=True)
    for part in ("vault", "evidence", "more", "other"):
        shutil.copytree(template / part, base / part)
    return Work(base, Session(Vault.open(base / "vault"), "alice"), case)


_made: dict[tuple[Any, ...], tuple[Path, Case]] = {}
_PLACE = TemporaryDirectory()


def new_case(base: Path, names: tuple[bytes, ...] = NAMES, **settings: Any) -> Work:
    """Make a vault, a case before, the case, and collect files called `names`."""
    session = init(NewVault(root=base / "vault", operator="alice", **settings))
    other = open_case(session, _opening("Another case"))
    collect(session, other, base / "other", (b"not yours",))
    case = open_case(session, _opening("The fake bank"))
    work = Work(base, session, case)
    collect(session, case, base / "evidence", names)
    collect(session, other, base / "more", (b"nor this",))
    return work


def _opening(title: str) -> OpenCase:
    return OpenCase(title=title, basis="CPC 94", authority="District Court", until="2099-01-01")


def collect(session: Session, case: Case, folder: Path, names: tuple[bytes, ...]) -> None:
    """Write files and collect them."""
    folder.mkdir(parents=True)
    for name in names:
        content = b"" if name == b"empty" else b"the content of " + name + b"\n"
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(content)
    list(collect_files(session, CollectFiles(case=case.id, paths=(str(folder),))))


def dataset(work: Work, item: str) -> Dataset:
    """Lay out one dataset of records, as an examination does."""
    path = work.base / "derived" / item / "event.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            "item": [item],
            "time": pa.array([1_700_000_000_000_000], pa.timestamp("us", tz="UTC")),
            "message": ["=HYPERLINK()"],
        }
    )
    pq.write_table(table, path)
    return Dataset(item, "parser:web_access", "event", path)


def enter(work: Work, commit: Commit) -> Entry:
    """Enter the hand-over, as the act does."""
    return work.session.custody.decide(
        lambda c: [Draft(ACT, work.case.id, {"recipient": "the court", **commit(c)})]
    )[-1]


def contents(work: Work, chosen: list[Exhibit] | None = None, **more: Any) -> Contents:
    """Return what a bundle of `chosen`, or of all, holds."""
    given = work.exhibits if chosen is None else chosen
    defaults: dict[str, Any] = {
        "datasets": [dataset(work, given[0].item)] if given else [],
        "tables": {"ledger.jsonl": [b'{"seen":1}\n']},
        "recipient": "the court",
        "open_original": lambda one: open_original(work.session.vault, one),
    }
    return Contents(case=work.case, exhibits=given, **{**defaults, **more})


def hand_over(
    work: Work,
    target: Path,
    chosen: list[Exhibit] | None = None,
    published: Callable[[], None] = lambda: None,
    **more: Any,
) -> Made:
    """Write a bundle, and beside it the anchors."""
    written = write_bundle(
        target,
        contents(work, chosen, **more),
        work.session.vault,
        lambda commit: enter(work, commit),
        published,
    )
    anchors = target.with_name(f"{target.name}-anchors.txt")
    anchors.write_text(f"# by letter of 3 March\nlog {written.vkey}\n")
    return Made(work, target, written, anchors)


def verify(
    folder: Path,
    *arguments: str | Path,
    own: bool = False,
    both: bool = True,
    tools: tuple[str, ...] = TOOLS,
) -> subprocess.CompletedProcess[str]:
    """Run verify.sh, the genuine one or the bundle's own, where there is nothing else to run.

    What it says of a bundle, `holdfast check` must say too: every test of the one is one of both.
    """
    here = folder.parent / f"tools-{len(tools)}"
    here.mkdir(exist_ok=True)
    for tool in tools:
        if not (here / tool).exists():
            (here / tool).symlink_to(shutil.which(tool) or "")
    script = folder.parent / "genuine-verify.sh"
    script.write_bytes(verify_script())
    done = subprocess.run(
        [
            shutil.which("env") or "",
            "-i",
            f"PATH={here}",
            "TMPDIR=/nonexistent",
            shutil.which("bash") or "",
            "verify.sh" if own else script,
            *arguments,
        ],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=120,
        check=False,
    )
    if both and tools == TOOLS and done.returncode in {0, 1}:
        anchors = Path(arguments[1]) if arguments else None
        try:
            found = check(folder, anchors)
        except InputError as refused:
            raise AssertionError(f"{done.stdout}{done.stderr}\ncheck refuses: {refused}") from None
        agreed = bool(found.problems) == bool(done.returncode)
        assert agreed, f"{done.stdout}{done.stderr}\ncheck says {found}"
        assert (found.verdict == "intact") == done.stdout.endswith("\nINTACT\n")
    return done


def files(folder: Path) -> list[str]:
    """Return every file's path in the bundle, sorted."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def remanifest(folder: Path) -> None:
    """Write both manifests anew, as whoever alters a bundle would."""
    tags = ("bag-info.txt", "bagit.txt", "manifest-sha256.txt", "README.txt", "verify.sh")
    payload = [path for path in files(folder) if path.startswith("data/")]
    write(folder / "manifest-sha256.txt", _lines(folder, payload))
    present = [name for name in tags if (folder / name).exists()]
    write(folder / "tagmanifest-sha256.txt", _lines(folder, present))


def _lines(folder: Path, paths: list[str]) -> bytes:
    return b"".join(
        f"{hashlib.sha256((folder / path).read_bytes()).hexdigest()}  {path}\n".encode()
        for path in paths
    )


def write(path: Path, data: bytes) -> None:
    """Put `data` in the place of a file, whatever its mode."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def joined(work: Work, name: str) -> Session:
    """Give somebody, with a key or without, a role in the case; return their session."""
    change: dict[str, Json] = {"added": ["examiner"], "name": name, "removed": []}
    work.session.custody.enter(Draft("case.role", work.case.id, {"change": change}))
    return Session(work.session.vault, name)
