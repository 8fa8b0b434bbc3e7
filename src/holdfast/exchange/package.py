"""The hand-over bundle: originals, records and proofs in a BagIt folder that stock tools check.

Order: everything but the proof is written and listed; then the hand-over is entered in the log,
with the digests of that list and of the list of the case's entries before it; then the proof is
written, and the folder gets its name. So a bundle can't exist without its entry, and whoever
alters anything in it, the lists for people included, would have to alter the log.
docs/formats/bundle.md has the bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import orjson
from sqlalchemy import Connection, select

from holdfast import __version__
from holdfast.core import canonical, clock, durable
from holdfast.core.digest import CHUNK, is_sha256_hex, sha256_hex
from holdfast.core.errors import InputError, IntegrityError, printable
from holdfast.examine import records
from holdfast.exchange import listing, readme
from holdfast.exchange.bag import PROOF, Bag, fact
from holdfast.exchange.completeness import LARGEST
from holdfast.exchange.disclosure import Disclose, everything
from holdfast.exchange.proofs import KeyEntries, Proof, Reader
from holdfast.exchange.published import Published
from holdfast.vault import delegates, eras, tables

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.cases.case import Case
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.examine.results import Dataset
    from holdfast.vault.entry import Entry
    from holdfast.vault.vault import Vault

ACT = "bundle"
"""The act's name in the log: `verify.sh` looks for it."""

ROLES = ("defence", "court", "partner")

Commit: TypeAlias = Callable[[Connection], "dict[str, Json]"]
Enter: TypeAlias = Callable[[Commit], "Entry"]


def _nobody() -> None:
    pass


def _quiet(_done: int, _total: int | None, _what: str) -> None:
    pass


@dataclass(frozen=True)
class Contents:
    """What a bundle is to hold; iterables are read once, in order."""

    case: Case
    exhibits: Iterable[Exhibit]
    """Those handed over, in ascending order of their entries."""
    open_original: Callable[[Exhibit], BinaryIO]
    """Opens an original's plaintext; what it gives is closed after reading."""
    recipient: str
    """For whom it is, as people say it."""
    role: str = ""
    """As what they get it: one of ROLES, or empty."""
    order: str = ""
    """Under what order exhibits are withheld, if any are."""
    completeness: bool | None = None
    """Whether to prove that no entry of the case is left out, at two small files for each entry of
    the whole log; None for logs of up to `LARGEST` entries."""
    sealed_to: tuple[str, ...] = ()
    """Recipients of age (age1…): the bundle is one encrypted file then."""
    datasets: Iterable[Dataset] = ()
    """Records in force for these exhibits' items."""
    tables: Mapping[str, Iterable[bytes]] = field(default_factory=dict)
    """Further files for people under `data/`, by name: `{"ledger.jsonl": lines}`."""
    disclose: Disclose = everything
    """Which fields of the case's entries are shown: `Selection(items)` for a part of a case."""
    complete: bool = True
    """Whether these are all exhibits of the case; README.txt says which."""
    progress: Callable[[int, int | None, str], None] = _quiet
    """Told of bytes of originals copied, and which original is at work."""


@dataclass(frozen=True)
class Written:
    """A bundle that lies on disk under its name."""

    folder: Path
    """The folder, or the sealed file."""
    exhibits: int
    bytes: int
    """Of originals, each counted once."""
    entries: int
    """Of the case, the hand-over's own included."""
    files: int
    entry: int
    """The hand-over's own entry."""
    vkey: str
    """The log's key, which the recipient must have by another way."""
    complete: bool
    """Whether it proves that no entry of the case is left out."""


def verify_script() -> bytes:
    """Return `verify.sh` as it is shipped: what a recipient should run, whatever the bundle has."""
    return resources.files("holdfast.exchange").joinpath("verify.sh").read_bytes()


def write_bundle(
    target: Path,
    contents: Contents,
    vault: Vault,
    enter: Enter,
    published: Callable[[], None] = _nobody,
) -> Written:
    """Write a bundle to `target`.

    `enter(commit)` is called once, when all but the proof is on its way to the disk. It must append
    an entry named `ACT` in the case, with its own fields and those that `commit(connection)`
    returns, computed at the entry's very position (as `Custody.decide` does), and return it.
    `published()` is called right after, so that witnesses and time authorities may be asked
    about a checkpoint that has that entry; what they said is put into the bundle.

    Raises:
        InputError: `target` is in use or lies in the vault, or a name can't be in a bundle.
        DeniedError: the case's tag key is not here, and without it completeness can't be proven.
        IntegrityError: an original is not what its entry says, or the log can't prove an entry.
        ResourceError: the disk refused; there is no bundle then.
    """
    root = vault.root.resolve()
    if root == target.resolve() or root in target.resolve().parents:
        raise InputError(f"{target} lies in the vault", "give a folder beside it")
    whole = contents.completeness
    whole = vault.log.head().size < LARGEST if whole is None else whole
    chain = (contents.case.id, vault.keyring.chain(contents.case.id)) if whole else None
    with durable.disk_errors(target), Bag(target, contents.sealed_to) as bag:
        exhibits, size = _originals(bag, contents, vault)
        _records(bag, contents.datasets)
        for name, lines in contents.tables.items():
            with bag.writer(f"data/{name}") as writer:
                for line in lines:
                    writer.write(line)
        _describe(bag, contents, vault, exhibits, whole=whole)
        before = _Before(contents, vault, bag.seal_contents(), whole=whole)
        entry = enter(before.commit)
        before.write(bag, entry)
        published()
        others = Published.read(vault, entry.index)
        proof = Proof(
            bag, vault.log, others.signed, _whole(entry.index, contents.disclose), before.known
        )
        proof.write([*before.indexes, entry.index], chain)
        others.write(lambda name, data: bag.put(PROOF + name, data))
        bag.publish()
        return Written(
            bag.target,
            exhibits,
            size,
            entry.sequence,
            bag.files,
            entry.index,
            str(others.signed.verifier),
            whole,
        )


def _whole(handover: int, disclose: Disclose) -> Disclose:
    """Disclose the hand-over's own entry in full: it is about this very bundle."""
    return lambda one: frozenset(one.disclosures) if one.index == handover else disclose(one)


def _originals(bag: Bag, contents: Contents, vault: Vault) -> tuple[int, int]:
    """Write originals and their lists; return how many exhibits, and bytes."""
    read = Reader(vault.log, vault.log.head()).entry
    count = size = 0
    with bag.writer("data/items.csv") as table, bag.writer("data/items.jsonl") as lines:
        table.write(listing.HEADER)
        for exhibit in contents.exhibits:
            entry = read(exhibit.entry)
            table.write(listing.row(exhibit, entry))
            lines.write(listing.line(exhibit, entry))
            count += 1
            if not is_sha256_hex(exhibit.item):
                raise IntegrityError(f"exhibit {exhibit.label} has no digest")
            path = f"data/originals/{exhibit.item}"
            if bag.has(path):
                continue
            contents.progress(size, None, exhibit.label)
            size += _copy(bag, path, exhibit, contents.open_original)
    if not count:
        raise InputError("there is no exhibit to hand over", "collect first, or choose others")
    contents.progress(size, size, "")
    return count, size


def _copy(
    bag: Bag, path: str, exhibit: Exhibit, open_original: Callable[[Exhibit], BinaryIO]
) -> int:
    with open_original(exhibit) as stream, bag.writer(path) as writer:
        while chunk := stream.read(CHUNK):
            writer.write(chunk)
        if (writer.digest, writer.size) != (exhibit.item, exhibit.size):
            raise IntegrityError(
                f"the original of exhibit {exhibit.label} is not what was collected: its SHA-256 "
                f"is {writer.digest}, not {exhibit.item}",
                "run `holdfast verify` and restore that object from a backup",
            )
    return writer.size


def _records(bag: Bag, datasets: Iterable[Dataset]) -> None:
    """Copy records as they are, and once more as JSON lines."""
    for dataset in datasets:
        module = re.sub(r"[^A-Za-z0-9_.]+", "-", dataset.module).strip("-.") or "module"
        base = f"data/records/{dataset.item}/{module}/{dataset.kind}"
        with dataset.path.open("rb") as stream, bag.writer(f"{base}.parquet") as writer:
            while chunk := stream.read(CHUNK):
                writer.write(chunk)
        with bag.writer(f"{base}.jsonl") as lines:
            for row in records.read(dataset.path):
                lines.write(orjson.dumps(_timed(row)) + b"\n")


def _timed(row: dict[str, object]) -> dict[str, object]:
    """Return a record with its times as RFC 3339, as people read them."""
    nanos = row.pop("time_nanos", None)
    finer = nanos if isinstance(nanos, int) else None
    return {
        name: clock.to_text(value, finer if name == "time" else None)
        if type(value) is int and (name == "time" or name.endswith("_time"))
        else value
        for name, value in row.items()
    }


def _describe(bag: Bag, contents: Contents, vault: Vault, exhibits: int, *, whole: bool) -> None:
    case = contents.case
    bag.put("data/case.json", canonical.dumps(case.as_json()) + b"\n")
    bag.put("verify.sh", verify_script())
    text = readme.text(
        case,
        recipient=contents.recipient,
        role=contents.role,
        order=contents.order,
        exhibits=exhibits,
        complete=contents.complete,
        proven=whole,
        origin=vault.verifier.name,
    )
    bag.put("README.txt", text.encode())
    bag.describe(
        {
            "Bag-Software-Agent": f"holdfast {__version__}",
            "External-Identifier": fact(case.id),
            "Holdfast-Bundle": "holdfast-bundle/1",
        }
    )


class _Before:
    """The case's entries before the hand-over's own, as the log stands at its position."""

    def __init__(self, contents: Contents, vault: Vault, digest: str, *, whole: bool) -> None:
        self._case = contents.case.id
        self._disclose = contents.disclose
        self._log = vault.log
        self._about: dict[str, Json] = {
            "as": contents.role,
            "completeness": whole,
            "contents": digest,
            "for": printable(contents.recipient),
            "order": printable(contents.order),
        }
        self._lines: list[str] = []
        self.indexes: list[int] = []
        self.known = KeyEntries()

    def commit(self, connection: Connection) -> dict[str, Json]:
        """Return what the hand-over's entry must say of this bundle.

        Raises:
            IntegrityError: the database lacks an entry, or has one that the log has otherwise.
        """
        table = tables.entries
        query = select(table.c.index).where(table.c.case == self._case).order_by(table.c.sequence)
        indexes = list(connection.scalars(query))
        # Another writer may have got in first meanwhile: what was read before is still right.
        known_to_here = len(self.indexes)
        read = Reader(self._log, self._log.head()).entry
        for sequence, index in enumerate(indexes[known_to_here:], known_to_here + 1):
            entry = read(index)
            if (entry.case, entry.sequence) != (self._case, sequence):
                raise IntegrityError(
                    f"the database's list of entries of case {self._case} is not the log's",
                    "run `holdfast verify`, then `holdfast rebuild`",
                )
            fields = ",".join(sorted(self._disclose(entry)))
            self._lines.append(f"{sequence} {index} {fields}\n")
        self.indexes = indexes
        found = [
            row
            for keys in (tables.operators, delegates.table)
            for row in connection.execute(select(keys.c.key_id, keys.c.entry, keys.c.ended)).all()
        ]
        query = select(table.c.index).where(table.c.act == eras.ACT).order_by(table.c.index)
        self.known = KeyEntries(
            {row.key_id: row.entry for row in found},
            {row.key_id: row.ended for row in found if row.ended is not None},
            connection.scalars(query).all(),
        )
        return {"handover": self._says()}

    def _says(self) -> Json:
        text = "".join(self._lines).encode()
        return {**self._about, "entries": sha256_hex(text)}

    def write(self, bag: Bag, entry: Entry) -> None:
        """Write the list, and which entry binds it.

        Raises:
            IntegrityError: the entry is not the next of the case, or says something else.
        """
        following = (entry.case, entry.sequence) == (self._case, len(self.indexes) + 1)
        if entry.act != ACT or not following or entry.fields.get("handover") != self._says():
            raise IntegrityError("the hand-over was entered otherwise than this bundle needs")
        bag.put(f"{PROOF}entries.txt", "".join(self._lines).encode())
        bag.put(f"{PROOF}handover.txt", f"{entry.index}\n".encode())
