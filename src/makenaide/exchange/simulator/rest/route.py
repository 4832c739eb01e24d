"""What the face can be asked: one `Route` a call, listed with its parameters by the module that answers it.

Open(
    method="GET", path="/v1/market/all", group="market", handler=quotation.markets,
    parameters=(Parameter("is_details", Kind.BOOLEAN),),
)
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.validation import Body
from makenaide.exchange.simulator.rest.query import Query

Public = Callable[[Query], object]
Signed = Callable[[Account, Query, Body], object]


class Kind(StrEnum):
    """What a parameter's text must be; the value is the type's name in the OpenAPI description.

    A NUMBER in a body may be a JSON number or its plain digits in a string; an OBJECT lives in bodies only.
    """

    TEXT = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One name of a call's query, or of its JSON body for a POST; no promise here that the call does not keep.

    `required`: the call is refused without it. `choices`: any other value is refused. `minimum` and `maximum` bound
    the value of a number, the length of a text, and how many values an array has; an `array` is sent as `name[]`,
    once for each value.
    """

    name: str
    kind: Kind = Kind.TEXT
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    array: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A call that anybody may make, counted per address; a `group` of None is not counted."""

    method: str
    path: str
    group: str | None
    handler: Public
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A call that a key must sign, counted per account; a `scope` of None is any key's."""

    method: str
    path: str
    group: str | None
    scope: str | None
    handler: Signed
    success: int = 200
    parameters: tuple[Parameter, ...] = ()


Route = Open | Guarded

MoneyRow = tuple[str, str, str | None, Signed, tuple[Parameter, ...]]
"""Method, path below `/v1/`, scope, handler, parameters."""


def money_routes(rows: Iterable[MoneyRow]) -> list[Guarded]:
    """Signed calls of the group `default`; those that make something answer 201."""
    return [
        Guarded(
            method=method,
            path=f"/v1/{path}",
            group="default",
            scope=scope,
            handler=handler,
            success=201 if method == "POST" else 200,
            parameters=parameters,
        )
        for method, path, scope, handler, parameters in rows
    ]
