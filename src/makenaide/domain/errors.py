"""The drawn error tree: each class is named by what its reader must do.

Expected outcomes of a call are values (see `domain.order.Answer`); these are faults. The door (`cli`)
prints the class's headline in the user's language, then the detail, and exits with `exit_code`.

    MakenaideError 1
    +- Misconfigured 3      fix the setting or the input
    |  +- UnknownMarket 4
    |  +- BadCandles 5
    +- Unavailable 11       try again later
    |  +- DatabaseUnavailable 6
    |  +- DiskFull 9
    +- Halted 13            a person must decide
    |  +- InUse 8
    |  +- LiveClosed 14
    +- Inconsistent 12      two records that must agree do not
       +- SchemaMismatch 7
"""

from typing import ClassVar


class MakenaideError(Exception):
    """Makenaide met a fault that it foresaw."""

    exit_code: ClassVar[int] = 1

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or (type(self).__doc__ or "").split("\n", 1)[0])


class Misconfigured(MakenaideError):
    """A setting or an input is wrong: mend it and run again."""

    exit_code = 3


class UnknownMarket(Misconfigured):
    """That market does not exist: use a code such as KRW-BTC."""

    exit_code = 4


class BadCandles(Misconfigured):
    """Candle data breaks a law of candles: mend the file and line named."""

    exit_code = 5


class Unavailable(MakenaideError):
    """Something that Makenaide depends on does not answer: try again later."""

    exit_code = 11


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached: start it or mend DATABASE_URL."""

    exit_code = 6


class DiskFull(Unavailable):
    """The disk is full: free some space; nothing was half-written."""

    exit_code = 9


class Halted(MakenaideError):
    """Makenaide stopped itself: a person must decide."""

    exit_code = 13


class InUse(Halted):
    """Another run holds this account: stop it first."""

    exit_code = 8


class LiveClosed(Halted):
    """Live trading is closed: `makenaide live check` tells why."""

    exit_code = 14


class Inconsistent(MakenaideError):
    """Two records that must agree do not: look before anything else is done."""

    exit_code = 12


class SchemaMismatch(Inconsistent):
    """The database schema is not the one this version knows."""

    exit_code = 7
