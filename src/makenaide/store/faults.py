"""The driver's faults under the names of our error tree; what is not foreseen here propagates unchanged."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from makenaide.domain.errors import DatabaseUnavailable, DiskFull, MakenaideError, Unavailable

_NO_SPACE = "No space left on device"
_LATER = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.LockNotAvailable,
    errors.QueryCanceled,
    errors.ConfigurationLimitExceeded,
    errors.OutOfMemory,
)


@contextmanager
def named_faults(database: str) -> Iterator[None]:
    """Run the body; a driver's fault in it leaves as ours, naming `database` (never a password).

    A full disk is `DiskFull`; a lock, deadlock, serialization or statement timeout is `Unavailable`: the
    transaction is rolled back and may be tried again; a lost connection is `DatabaseUnavailable`.
    """
    try:
        yield
    except psycopg.Error as fault:
        ours = translated(fault, database)
        if ours is None:
            raise
        raise ours from fault


def translated(fault: psycopg.Error, database: str) -> MakenaideError | None:
    """Our error for the driver's `fault`, or None where it is a bug of ours to be seen as it is."""
    text = first_line(fault)
    if isinstance(fault, errors.DiskFull) or _NO_SPACE in str(fault):
        return DiskFull(f"{database}: {text}")
    if isinstance(fault, _LATER):
        return Unavailable(f"{database}: {text}")
    if isinstance(fault, psycopg.OperationalError) or _is_lost(fault):
        return DatabaseUnavailable(f"{database}: {text}")
    return None


def first_line(fault: BaseException) -> str:
    """The first line of a fault's message: what happened, without the server's hints."""
    return str(fault).strip().split("\n", 1)[0]


def _is_lost(fault: psycopg.Error) -> bool:
    return isinstance(fault, psycopg.InterfaceError) and "closed" in str(fault)
