"""Who may use how much of the venue's limits: fixed shares by role, no coordination (house.md, section 5, rule 9).

Quotation limits count every caller of an address together, exchange limits every key of a pocket. Processes that
never talk to each other stay within both when the calls that each can fit into one window of the venue add up to no
more than the venue allows. At home one process is collector and trader in one, and a command that a person starts
to look beside it has its own share. The venue process of a paper account on real prices asks for the list and for the
books that its orders meet, and nothing else.
"""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What a process is to the venue."""

    GUARD = "guard"
    TRADER = "trader"
    PERSON = "person"
    COLLECTOR = "collector"
    PAPER = "paper"


class Place(StrEnum):
    """Where the processes live: together at home, or with the collector's functions behind one host on AWS."""

    HOME = "home"
    AWS = "aws"


Shares = Mapping[str, float]
"""Calls a second by rate group, with "_" for "-"; 0 = this role never calls that group."""

_EXCHANGE: Mapping[Role, Shares] = {
    Role.GUARD: {"default": 8.0, "order": 4.0, "order_test": 0.0, "order_cancel_all": 0.0},
    # The trader alone may cancel in batches: one call in two seconds cannot be shared.
    Role.TRADER: {"default": 20.0, "order": 7.0, "order_test": 4.0, "order_cancel_all": 0.4},
    Role.PERSON: {"default": 2.0, "order": 1.0, "order_test": 2.0, "order_cancel_all": 0.0},
    Role.COLLECTOR: {"default": 0.0, "order": 0.0, "order_test": 0.0, "order_cancel_all": 0.0},
    Role.PAPER: {"default": 0.0, "order": 0.0, "order_test": 0.0, "order_cancel_all": 0.0},
}

_QUOTATION: Mapping[Place, Mapping[Role, float]] = {
    Place.HOME: {Role.GUARD: 1.0, Role.TRADER: 7.0, Role.PERSON: 2.0, Role.COLLECTOR: 0.0, Role.PAPER: 0.0},
    Place.AWS: {Role.GUARD: 1.0, Role.TRADER: 2.0, Role.PERSON: 1.0, Role.COLLECTOR: 6.0, Role.PAPER: 0.0},
}

_PAPER: Shares = {"market": 1.0, "orderbook": 2.0}
_LENDER: Mapping[Place, Role] = {Place.HOME: Role.TRADER, Place.AWS: Role.COLLECTOR}
"""Who has so much less of what a paper account's venue asks for: the one with the most."""

_CONNECTS: Mapping[Role, float] = {
    Role.GUARD: 1.0,
    Role.TRADER: 2.0,
    Role.PERSON: 1.0,
    Role.COLLECTOR: 1.0,
    Role.PAPER: 0.0,
}


def shares(role: Role, place: Place) -> Shares:
    """The share of `role` in each rate group."""
    quotation = _QUOTATION[place][role]
    sign = 1 if role is Role.PAPER else -1 if role is _LENDER[place] else 0
    groups = ("market", "candle", "trade", "ticker", "orderbook")
    public = {group: quotation + sign * _PAPER.get(group, 0.0) for group in groups}
    return {**public, **_EXCHANGE[role], "websocket_connect": _CONNECTS[role]}
