"""Writing a file that a person named: whole or not at all."""

import errno
from pathlib import Path

from makenaide.domain.errors import DiskFull, Misconfigured


def write_whole(file: Path, content: bytes) -> None:
    """Write beside the file first, then rename; `DiskFull`, or `Misconfigured` naming the file and the reason."""
    partial = file.with_name(f".{file.name}.part")
    try:
        if file.exists() and not file.is_file():  # a device or a pipe takes the bytes as they come
            file.write_bytes(content)
            return
        partial.write_bytes(content)
        partial.replace(file)
    except OSError as cause:
        partial.unlink(missing_ok=True)
        if cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull(f"{file}: {cause.strerror}") from cause
        raise Misconfigured(f"{file}: cannot be written: {cause.strerror}") from cause
