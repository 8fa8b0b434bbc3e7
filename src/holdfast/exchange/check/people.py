"""Who acted, what the vault demands of itself, and the originals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from holdfast.core.errors import InputError
from holdfast.exchange.check.anchors import ED25519, Key, strict_base64
from holdfast.exchange.check.finding import shown
from holdfast.exchange.check.proof import HASH, NUMBER, TEXT, P
from holdfast.exchange.proofs import person_pem
from holdfast.vault.delegates import BEGINS
from holdfast.vault.delegates import fault as fault_of
from holdfast.vault.note import Verifier
from holdfast.vault.passkey import Passkey
from holdfast.vault.signing import backwards
from holdfast.vault.webauthn import Assertion, fault

if TYPE_CHECKING:
    from holdfast.exchange.check.claims import Claims
    from holdfast.exchange.check.proof import Proof
    from holdfast.vault.signing import PersonKey

_OPERATOR = rb'\{"key_id":"([0-9a-f]{8})","name":(' + TEXT + rb'),"vkey":(' + TEXT + rb")\}"
_DELEGATE = (
    rb'\{"cases":\[((?:' + TEXT + rb',?)*)\],"key_id":"([0-9a-f]{8})","name":(' + TEXT
    + rb'),"until":"([0-9T:-]{19}Z)","vkey":(' + TEXT + rb")\}"
)  # fmt: skip
_ENDING = {
    b'"operator.drop"', b'"operator.rotate"', b'"operator.revoke"', b'"session.end"', b'"token.end"'
}  # fmt: skip
_BASE64 = rb'"([A-Za-z0-9+/]+={0,2})"'
_SIGNATURE = (
    rb'\{(?:"authenticator":'
    + _BASE64
    + rb',"client":'
    + _BASE64
    + rb',)?"covers":'
    + NUMBER
    + rb',"key":"([0-9a-f]{8})","sig":'
    + _BASE64
    + rb"\}"
)
_ACTOR = rb'\{"key":(null|"([0-9a-f]{8})"),"name":(' + TEXT + rb")\}"
_BOOL = rb"(?:true|false)"
_STORE = (
    rb'\{"address":'
    + TEXT
    + rb',"promises":\{"create":'
    + _BOOL
    + rb',"lock":'
    + _BOOL
    + rb',"multipart":'
    + _BOOL
    + rb',"ranges":'
    + _BOOL
    + rb"\}\}"
)
_SETTINGS = (
    rb'\{"log":(' + TEXT + rb')(?:,"log_mldsa":' + TEXT + rb")?"
    rb',"require":\[([a-z",]*)\],"sealed":' + _BOOL + rb'(?:,"store":' + _STORE + rb")?\}"
)
_STORED = rb'\{"object":"' + HASH + rb'","size":' + NUMBER + rb'(?:,"wrapped":"[A-Za-z0-9+/=]*")?\}'


class People:
    """The operators' keys as the log introduced them, and what they signed."""

    def __init__(self, proof: Proof, claims: Claims) -> None:
        self.proof = proof
        self.claims = claims
        self._bad = proof.finding.bad
        self._keys: dict[str, tuple[PersonKey, bytes, int]] = {}
        self._ended: dict[str, int] = {}
        """The last entry that a key could sign, by key ID."""
        self._delegates: dict[str, tuple[str, str, bytes]] = {}
        """Of sessions and tokens, by key ID: the kind, its end, its cases."""
        self._own: dict[int, str] = {}
        self._covered: dict[int, str] = {}
        self._files = 0
        self._counters: dict[str, int] = {}
        """Of passkeys: the largest that was met, by key ID."""
        self._marked: list[str] = []

    def check(self) -> int:
        """Check every signature; return how many entries have none.

        Raises:
            StopError: something is wrong.
        """
        proof = self.proof
        self._hear_keys()
        for index in sorted(proof.leaves):
            if "signature" in proof.commitments[index]:
                self._signature(index)
        unsigned = sum(self._actor(index) for index in proof.leaves)
        files = sum(bool(re.search(r"/act\.[a-z]+$", path)) for path in proof.digest)
        if files != self._files:
            self._bad(f"{P}entries: {files - self._files} signature files belong to no entry")
        keys = sum(path.startswith(f"{P}keys/") for path in proof.digest)
        if keys != len(set(self._own.values())):
            self._bad(f"{P}keys: holds a key that signed nothing here")
        proof.finding.stage()
        used = sorted(set(self._own.values()))
        names = [self._named(key) for key in used if key not in self._delegates]
        less = [index for index in proof.leaves if self._key_of(index) in self._delegates]
        signed = len(proof.leaves) - unsigned - len(less)
        told = ", ".join(names) or "none"
        proof.finding.say(
            "Actors", f"{signed} entries are signed by their actors' own keys: {told}"
        )
        if less:
            told = ", ".join(self._named(key) for key in used if key in self._delegates)
            proof.finding.say(
                "", f"{len(less)} are signed in a session or by a token of theirs, which is less:"
            )
            proof.finding.say("", told)
        for key_id, index in sorted(self._ended.items()):
            told = f"the key {key_id} of {shown(self._keys[key_id][1])} ended with entry {index}"
            proof.finding.say("", f"{told}; it signed nothing here after that")
        for told in self._marked:
            proof.finding.say("MARKED", told)
        if unsigned:
            told = f"{unsigned} entries are by actors without a key: ACTOR UNSIGNED"
            proof.finding.say("", told)
        return unsigned

    def _hear_keys(self) -> None:
        """Take what introduces keys, then what ends them."""
        for index in self.claims.of_vault:
            if self.claims.acts[index] == b'"operator.add"':
                self._introduce(index)
            elif self.claims.acts[index].decode("utf-8", "replace").strip('"') in BEGINS:
                self._delegate(index)
        for index in self.claims.of_vault:
            if self.claims.acts[index] in _ENDING:
                self._end(index)

    def _key_of(self, index: int) -> str:
        return self._own.get(index, self._covered.get(index, ""))

    def _named(self, key: str) -> str:
        """Return whose a key is, and of a session's or a token's who let them in."""
        name, at = shown(self._keys[key][1]), self._keys[key][2]
        if key not in self._delegates:
            return f"{name} (key {key})"
        actor = self.proof.value(at, "actor", _ACTOR)
        by = name if actor is None else shown(actor[3])
        return f"{name} ({self._delegates[key][0]} {key}, begun by {by})"

    def _introduce(self, index: int) -> None:
        said = self.proof.value(index, "operator", _OPERATOR)
        if said is None:
            self._bad(f"entry {index}: introduces no key that people sign with")
        else:
            self._add(index, *said.group(1, 2, 3))

    def _delegate(self, index: int) -> None:
        said = self.proof.value(index, "delegate", _DELEGATE)
        if said is None:
            self._bad(f"entry {index}: introduces no key of a session or a token")
            return
        self._add(index, *said.group(2, 3, 5))
        kind = BEGINS[self.claims.acts[index].decode().strip('"')]
        self._delegates[said[2].decode()] = kind, said[4].decode(), b"," + said[1] + b","

    def _add(self, index: int, key_id: bytes, name: bytes, vkey: bytes) -> None:
        key = _key(re.sub(rb'\\(["\\])', rb"\1", vkey[1:-1]))
        if key is None or key.key_id.hex().encode() != key_id:
            self._bad(f"entry {index}: introduces no key that people sign with")
        elif key_id.decode() in self._keys:
            self._bad(f"entry {index}: introduces the key {key_id.decode()} a second time")
        else:
            self._keys[key_id.decode()] = (key, name, index)

    def _end(self, index: int) -> None:
        said = self.proof.value(index, "ended", _OPERATOR)
        key_id = "" if said is None else said[1].decode()
        if said is None or key_id not in self._keys or said[2] != self._keys[key_id][1]:
            self._bad(f"entry {index}: ends no key that the log introduced")
        elif self._ended.setdefault(key_id, index) != index:
            self._bad(f"entry {index}: ends the key {key_id} a second time")

    def _signature(self, index: int) -> None:
        proof, bad = self.proof, self._bad
        said = proof.value(index, "signature", _SIGNATURE)
        if said is None:
            bad(f"entry {index}: its signature is malformed")
            return
        count, key_id = int(said[3]), said[4].decode()
        if key_id not in self._keys:
            bad(f"entry {index}: no entry here introduces its actor's key {key_id}")
            return
        key, _name, since = self._keys[key_id]
        if since > index:
            bad(f"entry {index}: was signed before the key {key_id} was introduced")
        if self._ended.get(key_id, index) < index:
            bad(f"entry {index}: was signed with the key {key_id} after it had ended")
        missing = [
            at for at in range(index - min(count, index + 1), index) if at not in proof.places
        ]
        if missing:
            bad(
                f"entry {index}: its signature covers entry {missing[0]}, whose place is not proven"
            )
            return
        covered = range(index - count, index)
        message = b"holdfast-act/1\n" + proof.origin_of(index) + b"\n"
        message += b"".join(proof.places[at].encode() + b"\n" for at in covered)
        own = [
            f'"{name}":"{commitment}"'
            for name, commitment in proof.commitments[index].items()
            if name != "signature"
        ]
        message += f"{{{','.join(own)}}}".encode()
        self._covered.update(dict.fromkeys(covered, key_id))
        self._own[index] = key_id
        folder = f"entries/{index}/"
        names = ["message", "sig"] if said[1] is None else ["client", "message", "sig", "signed"]
        self._files += len(names)
        if not all(proof.has(f"{folder}act.{name}") for name in names):
            bad(f"entry {index}: its signature's files are missing")
            return
        if proof.read(f"{folder}act.message") != message:
            bad(f"{P}{folder}act.message: is not the act that entry {index} tells of")
        if proof.read(f"keys/{key_id}.pem") != person_pem(key):
            bad(f"{P}keys/{key_id}.pem: is not the key that the log introduced")
        made = [strict_base64(said[at]) or b"" for at in (1, 2, 5) if said[at] is not None]
        if proof.read(f"{folder}act.sig") != made[-1]:
            bad(f"{P}{folder}act.sig: is not the signature of entry {index}")
        if isinstance(key, Passkey) != (said[1] is not None):
            bad(f"entry {index}: its signature is of another kind than its actor's key")
        elif isinstance(key, Passkey):
            self._passkey(index, key, Assertion(*made), message)
        elif not key.verifies(message, made[-1]):
            bad(f"entry {index}: its actor's signature does not verify")

    def _passkey(self, index: int, key: Passkey, made: Assertion, message: bytes) -> None:
        """Check what an authenticator signed: docs/formats/custody.md, "Passkeys"."""
        folder, proof, key_id = f"entries/{index}/", self.proof, key.key_id.hex()
        if proof.read(f"{folder}act.client") != made.client:
            self._bad(f"{P}{folder}act.client: is not the client data of entry {index}")
        if proof.read(f"{folder}act.signed") != made.signed:
            self._bad(f"{P}{folder}act.signed: is not what the passkey of entry {index} signed")
        why = fault(key, made, message)
        if why is not None:
            self._bad(f"entry {index}: its actor's signature by a passkey is none: {why}")
            return
        last = self._counters.get(key_id, 0)
        if backwards(last, made.counter):
            self._marked.append(
                f"entry {index}: the counter of the passkey {key_id} is {made.counter} and was "
                f"{last} already: there may be a copy of it"
            )
        self._counters[key_id] = max(last, made.counter)

    def _actor(self, index: int) -> bool:
        """Check who an entry says acted; say whether it is unsigned."""
        said = self.proof.value(index, "actor", _ACTOR)
        key_id = self._own.get(index, self._covered.get(index))
        if said is None:
            self._bad(f"entry {index}: names no actor")
        elif said[1] == b"null" and key_id is None:
            return True
        elif key_id is None:
            self._bad(f"entry {index}: its actor has a key, but no signature covers it")
        elif (said[2], said[3]) != (key_id.encode(), self._keys[key_id][1]):
            self._bad(f"entry {index}: is signed by another than its actor")
        elif key_id in self._delegates:
            self._served(index, key_id)
        return False

    def _served(self, index: int, key_id: str) -> None:
        """Hold an entry to what the key of a session or a token may sign."""
        kind, until, cases = self._delegates[key_id]
        act = self.proof.value(index, "act", b'"(' + TEXT[1:-1] + b')"')
        time = self.proof.value(index, "time", rb'"([0-9T:-]{19})[0-9.]*Z"')
        case = self.proof.value(index, "case", b"null|" + TEXT)
        if act is None or time is None or case is None:
            self._bad(f"entry {index}: tells no act, case or time that a {kind} may have")
            return
        why = fault_of(kind, act[1].decode("utf-8", "replace"), time[1].decode(), until)
        if cases != b",," and case[0] != b"null" and b"," + case[0] + b"," not in cases:
            why = "is signed by the key of a token that is not for its case"
        if why is not None:
            self._bad(f"entry {index}: {why}")


def _key(vkey: bytes) -> PersonKey | None:
    """Return the key that a vkey tells of; None unless it is one that people sign with."""
    key = Key.parse(vkey, ED25519)
    if key is not None:
        return Verifier(key.name.decode("utf-8", "replace"), key.public)
    try:
        return Passkey.parse(vkey.decode())
    except (InputError, UnicodeDecodeError):
        return None


def check_policy(proof: Proof, claims: Claims, unsigned: int) -> set[str]:
    """Check the vault's first entry; return what it demands of itself."""
    bad = proof.finding.bad
    said = None
    if claims.acts.get(0) == b'"vault.init"':
        said = proof.value(0, "settings", _SETTINGS)
    if said is None:
        bad("entry 0: the vault's own first entry is missing or withheld")
        return set()
    demands = set(said[2].decode().replace('"', "").split(",")) - {""}
    if "signed" in demands and unsigned:
        bad(f"policy: the vault demands signed acts, and {unsigned} are unsigned")
    return demands


def check_originals(proof: Proof, claims: Claims) -> None:
    """Check that each original is named, by digest and size, in an entry of its collection.

    Raises:
        StopError: one is not.
    """
    bad, sizes, hidden = proof.finding.bad, dict[str, int](), 0
    for index in claims.of_case:
        if claims.acts[index] != b'"collect.item"':
            continue
        if not proof.has(f"entries/{index}/field.item"):
            hidden += 1
            continue
        item = proof.value(index, "item", rb'"(' + HASH + rb')"')
        if item is None:
            bad(f"entry {index}: names no item")
            continue
        name = item[1].decode()
        stored, path = proof.value(index, "stored", _STORED), f"data/originals/{name}"
        if stored is None:
            bad(f"entry {index}: withholds the size of item {name}")
        elif proof.digest.get(path) != name:
            bad(f"{path}: is missing, or is not the original that entry {index} names")
        elif sizes.setdefault(name, int(stored[1])) != int(stored[1]):
            bad(f"entry {index}: states another size of item {name} than an entry before")
        elif proof.folder.sizes[path] != int(stored[1]):
            bad(f"{path}: is not of {int(stored[1])} bytes, as its entry says")
    records = 0
    for path in proof.digest:
        records += path.startswith("data/records/")
        if path.startswith("data/originals/") and path.removeprefix("data/originals/") not in sizes:
            bad(f"{path}: no entry of the log names this original")
    proof.finding.stage()
    say = proof.finding.say
    say("Originals", f"{len(sizes)} files, each named by digest and size in a proven entry")
    if hidden:
        order = "no order is named" if claims.order == b'""' else f"the order {shown(claims.order)}"
        say("Withheld", f"{hidden} exhibits of the case are withheld: {order}")
    if records:
        say("Records", f"{records} files made from the originals by programs")
