"""YARA rules from a file or folder, made ready for the finder `yara`: https://virustotal.github.io/yara-x/

YARA-X compiles them in the house, once, since they are the unit's and not evidence; workers get
what it compiled. A rule that is broken stops the examination before it begins: rules that were
left out in silence would be taken for rules that found nothing.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.core import canonical
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError, printable

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.core.canonical import Json

SUFFIXES = (".yar", ".yara")
FILE_BYTES = 64 << 20
"""Bytes of a file of rules, at most."""


@dataclass(frozen=True)
class RuleSet:
    """What a file or folder of rules came to."""

    rules: int
    sha256: str
    """Of the canonical JSON of `[[namespace, SHA-256 of the file], ...]`."""
    compiled: bytes

    def to_json(self) -> Json:
        """Return them as the finder takes them."""
        return {"compiled": base64.b64encode(self.compiled).decode(), "sha256": self.sha256}


def load(place: Path) -> RuleSet:
    """Compile the rules of a file, or of every `*.yar` and `*.yara` below a folder.

    A rule's namespace is its file's place in the folder, so two files may have rules of one name.

    Raises:
        InputError: no rule, or a broken one: its file and line.
    """
    import yara_x  # noqa: PLC0415 - a quarter of a second that other commands need not spend

    compiler = yara_x.Compiler()
    compiler.enable_includes(False)
    given: list[Json] = []
    for name, path in _files(place):
        text = _read(path)
        given.append([name, sha256_hex(text)])
        compiler.new_namespace(name)
        try:
            compiler.add_source(text.decode("utf-8"), origin=name)
        except UnicodeDecodeError as error:
            line = text[: error.start].count(b"\n") + 1
            raise _broken(path, line, "not UTF-8") from error
        except yara_x.CompileError as error:
            first: dict[str, Any] = (compiler.errors() or [{}])[0]
            why = _why(first) or str(error).splitlines()[0]
            raise _broken(path, int(first.get("line") or 1), why) from error
    rules = compiler.build()
    count = sum(1 for _ in rules)
    if not count:
        raise InputError(f"there is no rule in {place}")
    stored = io.BytesIO()
    rules.serialize_into(stored)
    return RuleSet(count, sha256_hex(canonical.dumps(given)), stored.getvalue())


def _files(place: Path) -> list[tuple[str, Path]]:
    if place.is_file():
        return [(place.name, place)]
    if not place.is_dir() or not place.resolve().name:
        raise InputError(f"{place} is neither a file nor a folder of YARA rules", "name one")
    found = [one for one in place.rglob("*") if one.suffix in SUFFIXES and one.is_file()]
    if not found:
        raise InputError(f"there is no file of rules (*.yar, *.yara) in {place}")
    return sorted((one.relative_to(place).as_posix(), one) for one in found)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(FILE_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from error
    if len(text) > FILE_BYTES:
        raise InputError(f"{path} is larger than {FILE_BYTES} bytes", "divide it")
    return text


def _why(error: dict[str, Any]) -> str:
    """Return YARA-X's words for an error: its title, and what it says of the place."""
    said = [str(error.get("title") or "")]
    said += [str(label.get("text") or "") for label in error.get("labels") or [] if label]
    return ": ".join(words for words in said if words)


def _broken(path: Path, line: int, why: str) -> InputError:
    return InputError(
        f"{path}, line {line}: {printable(why)[:300]}",
        "mend or remove the rule; nothing was examined",
    )
