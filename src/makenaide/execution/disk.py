"""The files that must outlive a crash, behind one small port, so that every effect on them can be counted."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Files(Protocol):
    """What the guard and the kill switch do to files; `OSError` where the system refuses."""

    def read(self, path: Path, start: int = 0) -> bytes | None:
        """The file from byte `start` to its end; None when there is none."""
        ...

    def replace(self, path: Path, content: bytes) -> None:
        """`path` holds `content` and nothing else, durably; a crash leaves the old or the new, never a part."""
        ...

    def append(self, path: Path, content: bytes) -> None:
        """`content` stands at the end of `path`, durably, when this returns; a crash may leave a part of it."""
        ...

    def remove(self, path: Path) -> None:
        """`path` is gone; nothing happens when it never was."""
        ...


class Disk:
    """`Files` of this machine. New files are for their owner's eyes only."""

    def read(self, path: Path, start: int = 0) -> bytes | None:
        """The file from byte `start` to its end; None when there is none."""
        try:
            with path.open("rb") as file:
                file.seek(start)
                return file.read()
        except FileNotFoundError:
            return None

    def replace(self, path: Path, content: bytes) -> None:
        """Write beside it, flush, rename, flush the folder."""
        partial = path.with_name(path.name + ".part")
        _write(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, (content,))
        partial.replace(path)
        _flush_folder(path.parent)

    def append(self, path: Path, content: bytes) -> None:
        """Write at the end and flush."""
        new = not path.exists()
        _write(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, (content,))
        if new:
            _flush_folder(path.parent)

    def remove(self, path: Path) -> None:
        """Unlink and flush the folder."""
        path.unlink(missing_ok=True)
        _flush_folder(path.parent)


def _write(path: Path, flags: int, parts: Sequence[bytes]) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        for part in parts:
            view = memoryview(part)
            while view:
                view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
