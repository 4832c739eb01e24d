"""Marks on this machine's disk: a slot of a job is done by one of its processes, also when the database is away.

    marker = markers.take("0001aaaaaaaa-evening-20261128T090000Z")
    if marker is not None and marker.told is None:
        ...
        marker.tell({"outcome": "done", "detail": {}})

A marker is held by a lock that the system frees when its holder dies, however it dies; what was told stays.
"""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from makenaide.domain.errors import InUse
from makenaide.store.claims import exclusive

_KEPT_SECONDS = 8 * 86_400


class Marker:
    """A marker that this process holds; `told` is what an earlier holder came to, None when none did."""

    def __init__(self, file: Path, held: ExitStack) -> None:
        self._file = file
        self._held = held
        self.told = _read(file)

    def tell(self, outcome: Mapping[str, Any]) -> None:
        """It is done with, and this came of it; `OSError` where the disk refuses."""
        partial = self._file.with_suffix(".part")
        partial.write_bytes(msgspec.json.encode(dict(outcome), enc_hook=str))
        partial.replace(self._file.with_suffix(".json"))

    def drop(self) -> None:
        """Hold it no more. Dropping twice is fine."""
        self._held.close()


class Markers:
    """The markers in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, name: str) -> Marker | None:
        """The marker `name`; None while another holder has it. `OSError` where the disk refuses."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file, held = self._folder / f"{name}.lock", ExitStack()
        try:
            held.enter_context(exclusive(file, 0.0, InUse(name)))
        except InUse:
            return None
        return Marker(file, held)

    def told(self, name: str) -> Mapping[str, Any] | None:
        """What came of the marker `name`; None while nobody has told. `OSError` where the disk refuses."""
        return _read(self._folder / f"{name}.lock")

    def sweep(self) -> None:
        """Take away what is older than any slot that can still come."""
        if not self._folder.is_dir():
            return
        for file in self._folder.iterdir():
            if time.time() - file.stat().st_mtime > _KEPT_SECONDS:
                file.unlink(missing_ok=True)


def _read(file: Path) -> Mapping[str, Any] | None:
    try:
        told: dict[str, Any] = msgspec.json.decode(file.with_suffix(".json").read_bytes(), type=dict[str, Any])
    except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return told if isinstance(told.get("outcome"), str) and isinstance(told.get("detail"), dict) else None
