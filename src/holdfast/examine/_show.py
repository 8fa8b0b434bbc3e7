"""What the child does once it is confined: find the file, choose a viewer, write what it shows."""

from __future__ import annotations

import hashlib
import os
from importlib import metadata
from typing import TYPE_CHECKING, Any

from holdfast.core.digest import sha256_stream
from holdfast.examine import _types, interfaces
from holdfast.examine._visible import made_visible, visible
from holdfast.examine.file import EvidenceFile
from holdfast.examine.record import UnreadableError
from holdfast.examine.view import Wish

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from holdfast.core.canonical import Json
    from holdfast.examine.interfaces import Viewer
    from holdfast.examine.view import View

_HASHED = 256 << 20
"""Bytes up to which an item is hashed before each look; a larger one by `item check`."""
LISTED = 200
"""Members on one page of a list."""


def work(told: Mapping[str, Any], scratch: Path) -> dict[str, Json]:
    """Do what is asked; return what the house is to know."""
    item = EvidenceFile(told["file"], os.fstat(told["file"]).st_size, told["name"], "", scratch)
    if item.size <= _HASHED and _digest(item) != told["item"]:
        return {"failed": "its bytes are not those that were collected: it was altered"}
    try:
        file, digest = item, ""
        if told["path"]:
            from holdfast.examine import _inside  # noqa: PLC0415 - loads every opener

            found = _inside.find(item, told["path"], told["bytes"])
            file, digest = found.file, found.sha256
        return _done(file, told, scratch, digest)
    except UnreadableError as error:
        return {"failed": visible(str(error))}
    except MemoryError:
        return {"failed": "it needs more memory than a viewer has"}
    except Exception as error:  # noqa: BLE001 - whatever a decoder raises is the evidence's doing
        return {"failed": f"the decoder gave up: {type(error).__name__}"}


def _digest(item: EvidenceFile) -> str:
    with item.open() as stream:
        return sha256_stream(stream)[0]


def _done(
    file: EvidenceFile, told: Mapping[str, Any], scratch: Path, digest: str
) -> dict[str, Json]:
    if told["replay"]:
        from holdfast.examine import _replay  # noqa: PLC0415 - loads a decoder

        return _replay.unfold(file, scratch / "replay")
    if told["list"]:
        return _list(file, told["page"])
    return _view(file, told, scratch, digest)


def _view(
    file: EvidenceFile, told: Mapping[str, Any], scratch: Path, digest: str
) -> dict[str, Json]:
    fitting = sorted(
        (one for one in interfaces.viewers() if one.match(file)),
        key=lambda one: (-one.RANK, interfaces.name_of(one)),
    )
    names = [interfaces.name_of(one) for one in fitting]
    wanted = told["as"] or names[0]
    facts: dict[str, Json] = {
        "name": visible(file.name), "sha256": digest, "size": file.size,
        "type": _types.guess(file.head), "viewers": [*names],
    }  # fmt: skip
    if wanted not in names:
        return {"failed": f"it can't be shown as {wanted}", "file": facts}
    viewer = fitting[names.index(wanted)]
    try:
        view = viewer.render(file, Wish(page=told["page"], part=told["part"]))
    except UnreadableError as error:
        return {"failed": visible(str(error)), "file": facts, "viewer": wanted}
    except MemoryError:
        return {"failed": "it needs more memory than a viewer has", "file": facts, "viewer": wanted}
    except Exception as error:  # noqa: BLE001 - whatever a decoder raises is the evidence's doing
        words = f"the decoder gave up: {type(error).__name__}"
        return {"failed": words, "file": facts, "viewer": wanted}
    return {"file": facts, **_told(viewer, view, scratch)}


def _told(viewer: Viewer, view: View, scratch: Path) -> dict[str, Json]:
    pictures: dict[str, Json] = {}
    for name, picture in view.pictures.items():
        (scratch / f"{name}.png").write_bytes(picture.png)
        pictures[name] = {
            "height": picture.height, "sha256": hashlib.sha256(picture.png).hexdigest(),
            "width": picture.width,
        }  # fmt: skip
    return {
        "view": {
            "content": made_visible(view.content), "kind": view.kind, "more": view.more,
            "notes": [visible(note) for note in view.notes], "pages": view.pages,
            "pictures": pictures,
        },
        "decoders": {name: _version(name) for name in viewer.DECODERS},
        "version": viewer.VERSION,
        "viewer": interfaces.name_of(viewer),
    }  # fmt: skip


def _version(decoder: str) -> str:
    from holdfast.examine._roster import version_of  # noqa: PLC0415

    try:
        return version_of(decoder)
    except metadata.PackageNotFoundError:
        return ""


def _list(file: EvidenceFile, page: int) -> dict[str, Json]:
    from holdfast.examine import _inside  # noqa: PLC0415 - loads every opener

    paths, more, stopped = _inside.listed(file, page * LISTED, LISTED)
    return {"more": more, "paths": [*paths], "stopped": stopped}
