"""Make COUNT inclusion proofs, each as if it were the first, and print what one takes as JSON.

    python prove.py VAULT COUNT

Each reads the checkpoint, checks its signature and reads its tiles from disk through a reader of
its own. Each proof is then checked against the signed root, outside the timing.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from pathlib import Path

from holdfast.vault.merkle import leaf_hash, root_from_inclusion
from holdfast.vault.vault import Vault


def main() -> None:
    log = Vault.open(Path(sys.argv[1])).log
    size = log.head().size
    source = random.Random(7)
    times = []
    for _ in range(int(sys.argv[2])):
        index = source.randrange(size)
        start = time.perf_counter()
        head = log.head()
        proof = log.tree(head).inclusion_proof(index)
        times.append(time.perf_counter() - start)
        _, leaf, _ = next(log.raw(index, index + 1))
        assert root_from_inclusion(leaf_hash(leaf), index, size, proof) == head.root
    print(json.dumps({"median": statistics.median(times), "size": size, "worst": max(times)}))


if __name__ == "__main__":
    main()
