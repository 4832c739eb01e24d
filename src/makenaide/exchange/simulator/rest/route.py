"""What the face can be asked: one `Route` a call, listed by the module that answers it.

Open(method="GET", path="/v1/market/all", group="market", handler=quotation.markets)
"""

from collections.abc import Callable
from dataclasses import dataclass

from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.validation import Body
from makenaide.exchange.simulator.rest.query import Query

Public = Callable[[Query], object]
Signed = Callable[[Account, Query, Body], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A call that anybody may make, counted per address; a `group` of None is not counted."""

    method: str
    path: str
    group: str | None
    handler: Public


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A call that a key must sign, counted per account; a `scope` of None is any key's."""

    method: str
    path: str
    group: str | None
    scope: str | None
    handler: Signed
    success: int = 200


Route = Open | Guarded
