"""Index the records of two logs: `python full_text.py HOW FOLDER`; print how many.

HOW is `prepare` (examine `access.log` and `auth.log`, and write their records' texts as lines of
tabs to `texts.tsv`), `ours` (the text index of those records) or `alone` (tantivy over the lines).
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path


def prepare(folder: Path) -> None:
    """Examine the logs and write their texts."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - each way loads its own alone

    from holdfast.core import clock  # noqa: PLC0415
    from holdfast.examine import results  # noqa: PLC0415
    from holdfast.examine.run import Input, examine  # noqa: PLC0415

    inputs = []
    for name in ("access.log", "auth.log"):
        log = folder / name
        digest = hashlib.sha256(log.read_bytes()).hexdigest()

        def opened(log: Path = log) -> int:
            return os.open(log, os.O_RDONLY)

        inputs.append(Input(digest, name, opened, clock.from_text("2026-06-01")))
    examine(inputs, folder / "derived", only=("web_access", "syslog"))
    with (folder / "texts.tsv").open("w", encoding="utf-8") as out:
        for found in results.datasets(folder / "derived", [one.item for one in inputs]):
            table = pq.read_table(found.path)
            cited = {"item", "path", "parser", "kind"}
            names = [
                field.name
                for field in table.schema
                if str(field.type) == "string" and field.name not in cited
            ]
            for values in zip(*(table[name].to_pylist() for name in names), strict=True):
                out.write("\t".join(dict.fromkeys(filter(None, values))) + "\n")


def ours(folder: Path) -> int:
    """Build the index of the records."""
    from holdfast.examine import search  # noqa: PLC0415

    items = [one.name for one in (folder / "derived").iterdir() if one.name[0] != "."]
    return search.build(folder / "derived", items, Path("index"))


def alone(folder: Path) -> int:
    """Index the lines with tantivy and nothing else."""
    import tantivy  # noqa: PLC0415

    schema = tantivy.SchemaBuilder().add_text_field("text", index_option="position").build()
    Path("alone").mkdir()
    writer = tantivy.Index(schema, "alone").writer(20 << 20, 1)
    count = 0
    with (folder / "texts.tsv").open(encoding="utf-8") as lines:
        for line in lines:
            document = tantivy.Document()
            for text in line.rstrip("\n").split("\t"):
                document.add_text("text", text)
            writer.add_document(document)
            count += 1
    writer.commit()
    writer.wait_merging_threads()
    return count


if __name__ == "__main__":
    how, place = sys.argv[1], Path(sys.argv[2])
    if how == "prepare":
        prepare(place)
    else:
        print({"ours": ours, "alone": alone}[how](place))
