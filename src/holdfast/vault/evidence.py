"""RFC 4998 evidence records: a stamp that was stamped again before it lost its worth.

    EvidenceRecord: chains of archive time-stamps, oldest first
      a new time-stamp in the last chain covers the one before (section 5.2, timestamp renewal)
      a new chain covers the document and all chains before, with another digest (hash-tree renewal)

Many records are renewed with one time-stamp: it is over the root of a tree of digests, and each
record keeps its own way to that root (section 4). Nothing here reads a file or asks anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyasn1.type import univ

from holdfast.core.errors import IntegrityError
from holdfast.vault import der
from holdfast.vault.token import Token, algorithm, algorithm_name, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Tree = tuple[tuple[bytes, ...], ...]
"""A reduced hash tree: lists of digests, from the leaf's to the root's (section 4.2)."""
MAX_LISTS = 64
"""A tree of more than 2**64 leaves is none that anybody made."""


@dataclass(frozen=True)
class ArchiveTimeStamp:
    """One archive time-stamp: section 4.1."""

    digest: str
    tree: Tree
    token: bytes
    """The time-stamp token, a CMS ContentInfo, as it came."""

    def encoded(self) -> bytes:
        """Return it in DER."""
        # The module's tags are implicit: [0] stands in place of the algorithm's own.
        elements = [der.joined(der.parts(algorithm(self.digest)), der.context(0))]
        if self.tree:
            lists = [
                der.joined([der.encode(univ.OctetString(one)) for one in level])
                for level in self.tree
            ]
            elements.append(der.joined(lists, der.context(2)))
        return der.joined([*elements, self.token])


@dataclass(frozen=True)
class Record:
    """An evidence record, each archive time-stamp with the bytes that it came in."""

    chains: tuple[tuple[tuple[ArchiveTimeStamp, bytes], ...], ...]

    @classmethod
    def of(cls, token: bytes, digest: str) -> Record:
        """Begin a record with a stamp that is over the document itself."""
        first = ArchiveTimeStamp(digest, (), token)
        return cls((((first, first.encoded()),),))

    @property
    def digest(self) -> str:
        """The digest of the last chain."""
        return self.chains[-1][0][0].digest

    @property
    def tokens(self) -> list[bytes]:
        """All tokens, oldest first."""
        return [one.token for chain in self.chains for one, _ in chain]

    def renewing(self) -> bytes:
        """Return the digest of the last time-stamp, which a new one has to cover: section 5.2."""
        return digest_of(self.chains[-1][-1][0].token, self.digest)

    def rehashing(self, document: bytes, digest: str) -> bytes:
        """Return what the first time-stamp of a new chain has to cover: section 5.2.

        H(H(document) + H(all chains so far)), with the new digest.
        """
        return _rehashed(document, self.chains, digest)

    def renewed(self, new: ArchiveTimeStamp) -> Record:
        """Return the record with `new` at the end of the last chain."""
        *before, last = self.chains
        return Record((*before, (*last, (new, new.encoded()))))

    def rehashed(self, new: ArchiveTimeStamp) -> Record:
        """Return the record with `new` as a chain of its own."""
        return Record((*self.chains, ((new, new.encoded()),)))

    def encoded(self) -> bytes:
        """Return the EvidenceRecord in DER: section 3.1, version 1."""
        names = list(dict.fromkeys(one.digest for chain in self.chains for one, _ in chain))
        digests = der.joined([algorithm(name) for name in names])
        return der.joined([der.encode(univ.Integer(1)), digests, _sequence(self.chains)])

    @classmethod
    def parse(cls, data: bytes) -> Record:
        """Read an EvidenceRecord.

        Raises:
            IntegrityError: malformed, or with what we never write: encryption, crypto infos.
        """
        try:
            version, digests, sequence = der.parts(data)
            if int(der.decode(version, univ.Integer())) != 1:
                raise ValueError("an evidence record of another version than 1")
            for one in der.parts(digests):
                algorithm_name(one)
            chains = tuple(
                tuple((_archive(one), one) for one in der.parts(chain))
                for chain in der.parts(sequence)
            )
            if not chains or not all(chains):
                raise ValueError("no time-stamp is in it")
        except (ValueError, IndexError, TypeError) as error:
            raise IntegrityError(f"the evidence record is malformed: {error}") from None
        return cls(chains)


def _archive(element: bytes) -> ArchiveTimeStamp:
    *optional, token = der.parts(element)
    name = ""
    tree: Tree = ()
    for one in optional:
        if one[0] == der.context(0):
            name = algorithm_name(der.joined(der.parts(one, der.context(0))))
        elif one[0] == der.context(2):
            lists = der.parts(one, der.context(2))
            if not 0 < len(lists) <= MAX_LISTS:
                raise ValueError("a hash tree of no or too many lists")
            tree = tuple(
                tuple(bytes(der.decode(leaf, univ.OctetString())) for leaf in der.parts(level))
                for level in lists
            )
        else:
            raise ValueError("an archive time-stamp with attributes")
    if not name:
        raise ValueError("an archive time-stamp that names no digest")
    return ArchiveTimeStamp(name, tree, token)


def _sequence(chains: Sequence[Sequence[tuple[ArchiveTimeStamp, bytes]]]) -> bytes:
    """Return the ArchiveTimeStampSequence, with the bytes that each part came in."""
    return der.joined([der.joined([raw for _, raw in chain]) for chain in chains])


def _rehashed(
    document: bytes, chains: Sequence[Sequence[tuple[ArchiveTimeStamp, bytes]]], digest: str
) -> bytes:
    both = digest_of(document, digest) + digest_of(_sequence(chains), digest)
    return digest_of(both, digest)


def grown(leaves: Sequence[bytes], digest: str) -> tuple[bytes, list[Tree]]:
    """Return the root of a binary tree over `leaves`, and each leaf's reduced tree.

    A node is the digest of its children in binary ascending order (section 4.1). A leaf without a
    sibling goes up as it is. One leaf is its own root and needs no tree.
    """
    trees: list[list[tuple[bytes, ...]]] = [[] for _ in leaves]
    level = [(leaf, [at]) for at, leaf in enumerate(leaves)]
    while len(level) > 1:
        above = []
        for left, right in zip(level[::2], level[1::2], strict=False):
            for own, other in ((left, right), (right, left)):
                for at in own[1]:
                    # The first list holds the leaf itself; later ones only what joins its node.
                    trees[at].append(
                        (other[0],) if trees[at] else tuple(sorted((own[0], other[0])))
                    )
            above.append((_node((left[0], right[0]), digest), left[1] + right[1]))
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0][0], [tuple(tree) for tree in trees]


def _node(digests: Sequence[bytes], digest: str) -> bytes:
    return digest_of(b"".join(sorted(digests)), digest)


def root(leaf: bytes, stamp: ArchiveTimeStamp) -> bytes:
    """Return the root that a leaf's reduced tree leads to: section 4.3.

    Raises:
        IntegrityError: the leaf is not in its first list.
    """
    if not stamp.tree:
        return leaf
    first, *others = stamp.tree
    if leaf not in first:
        raise IntegrityError("an archive time-stamp covers something else than what is before it")
    node = _node(first, stamp.digest)
    for level in others:
        node = _node((*level, node), stamp.digest)
    return node


def check(
    record: Record, document: bytes, judge: Callable[[bytes, str, bytes], Token]
) -> list[Token]:
    """Check a record over `document`: section 5.3. Return its tokens, oldest first.

    `judge` checks one token: (token, digest's name, the digest it has to be over). Whether the last
    token still has its worth is for the caller, who knows what time it is.

    Raises:
        IntegrityError: a time-stamp does not cover what is before it, is no good stamp, or came
            after the one before had lost its worth.
    """
    tokens: list[Token] = []
    for number, chain in enumerate(record.chains):
        if len({one.digest for one, _ in chain}) != 1:
            raise IntegrityError("a chain of archive time-stamps changes its digest")
        for at, (stamp, _) in enumerate(chain):
            if at:
                leaf = digest_of(chain[at - 1][0].token, stamp.digest)
            elif number:
                leaf = _rehashed(document, record.chains[:number], stamp.digest)
            else:
                leaf = digest_of(document, stamp.digest)
            token = judge(stamp.token, stamp.digest, root(leaf, stamp))
            if tokens and not tokens[-1].time <= token.time <= tokens[-1].expires:
                raise IntegrityError(
                    "an archive time-stamp was renewed when its certificate had ended already, or "
                    "by one that is older"
                )
            tokens.append(token)
    return tokens
