"""README.txt of a bundle: for a reader who is no engineer, and owes us no trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.core.errors import printable

if TYPE_CHECKING:
    from holdfast.cases.case import Case

_TEXT = """\
HAND-OVER OF EVIDENCE

Case          {case}: {title}
Legal basis   {basis}
Authority     {issuer}
For           {recipient}{role}
Exhibits      {exhibits}, {extent}
Withheld      {order}
From the log  {origin}


WHAT IS HERE

  data/originals/   the exhibits, byte for byte. Each file is named by its SHA-256 digest, a
                    number that changes if a single bit of the file changes.
                    CAUTION: these may be harmful programs. Do not open them on a computer that
                    you need.
  data/items.csv    the list of exhibits: which digest, where it was found, when it was collected.
                    An apostrophe before =, +, - or @ was put there so that a spreadsheet program
                    can't be tricked; items.jsonl has the same list, exactly.
  data/findings.jsonl
                    where it is there: what the unit found. All that speaks for the suspect is in
                    it, whatever else is withheld; the check says how many findings there are
  data/case.json    the case and the authority under which it was worked
  data/records/     what programs read out of the exhibits (.jsonl is text, .parquet is for
                    programs). It helps to find things; the originals are the evidence.
  data/proof/       the evidence that the list, the exhibits and the acts on them are those that
                    the unit wrote into its custody log at the time
  verify.sh         a program that checks all this


HOW TO CHECK IT WITHOUT TRUSTING US

You need nothing of ours: a computer with bash, sha256sum, od and openssl, which any Linux has.

  1. Ask the unit, by another way than this bundle (in person, by letter, from the court's file),
     for its anchors: a line that begins with "log", and where the unit has witnesses and a
     time-stamping authority, lines that begin with "witness", "group", "quorum" and "#tsa".
     Save them in a file anchors.txt, outside this folder. Better: get a witness's line from that
     witness. Why: someone who forges the bundle can put his own keys into it, but can't be at
     both ends of two ways.
  2. Have verify.sh from another source too, if you can: the program in a forged bundle would say
     what the forger likes. Any copy that the Holdfast project published will do.
  3. Open a terminal in this folder and run

         bash verify.sh --anchors ../anchors.txt

It ends with INTACT, or says in words which file or entry is wrong. Without --anchors it says
"origin NOT established", because then it can only say that the bundle agrees with itself.

To check one exhibit by hand: sha256sum data/originals/NAME must print NAME. To check that
nothing was added or lost, any BagIt program will do: bagit.py --validate FOLDER


WHAT A GOOD RESULT SHOWS

  - The exhibits are, bit for bit, those that the unit entered in its log when it collected them.
  - The log's entries about this case, the lists and records here, and the acts' times and
    names have not been changed since they were entered; each signed act was signed with the key
    that the log has for that person.
{whole}
  - If the result says "Witnesses": those outsiders signed the log's head, so the unit has not shown
    them another history. If it says "Time": the log, with this hand-over in it, was there when
    that authority says it was.


WHAT IT DOES NOT SHOW

  - That the source was true. If a file was false, incomplete or planted before the unit collected
    it, it was collected false, incomplete or planted.
  - That everything was collected. What was left where it was is not here. (What the unit met
    and could not collect has entries of its own.)
{limit}
  - That the times are right. They are what the unit's own clock said. A time-stamping authority
    says only that all this was there by then, not when it came. Without one, the result says
    "Untimed".
  - That the unit has shown everyone the same log, unless independent witnesses signed its head.
    Without them whoever holds the log's key could have written a second history and be showing
    you that one. The result says "Unwitnessed" then. Compare with a bundle of another date.
  - That a person, rather than somebody with access to that person's key, did an act. Acts by people
    without a key are counted and called "actor unsigned".
  - That the records in data/records/ are complete or correctly read. They were made by
    programs; they can be made anew from the originals and compared.
  - Whether any of this was lawful. The authority is stated above and in the log; judging it is
    not for a program.
"""


_PROVEN = """\
  - These are ALL entries that the log has about this case up to this hand-over, numbered without
    a gap{withheld}. Every entry of the log carries a mark; this bundle
    has the case's key to them and the marks of the whole log, so that you count yourself. The
    other entries are here as digests only, which say nothing of other cases."""
_STATED = """\
  - The unit stated, in the log, how many entries the case has; all of those are here, in
    order{withheld}."""
_NEVER = """\
  - That no act was kept out of the log altogether, or entered without the case's mark. Nobody
    can show that by arithmetic. What the log has is all here; what it never had is not."""
_NOT_SHOWN = """\
  - NOT shown: that nothing was left out. How many entries the case has is what the unit says. The
    log was too large, or the proof was not wanted; the unit can make it: holdfast bundle
    --completeness."""


def text(
    case: Case,
    *,
    recipient: str,
    exhibits: int,
    complete: bool,
    origin: str,
    role: str = "",
    order: str = "",
    proven: bool = False,
) -> str:
    """Return README.txt."""
    withheld = "" if complete else "; those about other exhibits with most fields left out"
    return _TEXT.format(
        case=printable(case.id),
        title=printable(case.title),
        basis=printable(case.authority.basis),
        issuer=printable(case.authority.issuer),
        recipient=printable(recipient) or "not named",
        role=f", as {role}" if role else "",
        exhibits=exhibits,
        extent=(
            "all that the case held when this was made" if complete
            else "a selection; the entries of the others are here with their fields withheld"
        ),
        order=_withheld(order, complete=complete),
        whole=(_PROVEN if proven else _STATED).format(withheld=withheld),
        limit=_NEVER if proven else _NOT_SHOWN,
        origin=printable(origin),
    )  # fmt: skip


def _withheld(order: str, *, complete: bool) -> str:
    if complete:
        return "nothing"
    return f"under {printable(order)}" if order else "no order was named: ask for it"
