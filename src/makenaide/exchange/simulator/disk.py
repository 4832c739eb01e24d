"""What a failed write means: the same for every file that the simulator keeps."""

import errno
from typing import Final

from makenaide.domain.errors import DiskFull, Unavailable

FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The errors of a disk, a quota or a file that can hold no more."""


def not_kept(name: str, cause: OSError) -> Unavailable:
    """Why a command could not be written to the file `name`: `DiskFull`, or else `Unavailable`."""
    fault = DiskFull if cause.errno in FULL else Unavailable
    return fault(f"{name}: {cause.strerror}; the command was not done")
