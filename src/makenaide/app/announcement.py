"""The first line of a process that another one waits for: where it is, or why it is not."""

import msgspec

from makenaide.domain import errors
from makenaide.domain.errors import MakenaideError, Unavailable


class Announcement(msgspec.Struct, frozen=True):
    """The first line that a simulator prints with --json: where it is, or why it is not.

    `socket` and `private` are its WebSockets; `keys` and `operator` name the files with the keys and the token.
    """

    url: str = ""
    socket: str = ""
    private: str = ""
    keys: str = ""
    operator: str = ""
    error: str = ""
    code: int = 0


def fault_of(said: Announcement) -> MakenaideError:
    """The other process's own fault, under its own class."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MakenaideError)]
    kind = next((each for each in kinds if each.exit_code == said.code), Unavailable)
    return kind(said.error)
