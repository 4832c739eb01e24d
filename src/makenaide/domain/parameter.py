"""Named parameters: a setting carries its unit, its range and its source beside its default.

    @dataclass(frozen=True, slots=True, kw_only=True)
    class ExitSettings:
        hard_multiple: float = parameter(2.5, "ATR", "trading.md, Exits", low=0.1, high=10)

        def __post_init__(self) -> None:
            require_in_range(self)

`config show` prints unit and source from the same place.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import StrEnum
from typing import Any, get_args

from makenaide.domain.errors import Misconfigured


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What is known of one setting beside its value."""

    unit: str
    source: str
    low: Decimal | None
    high: Decimal | None


def parameter(default: Any, unit: str, source: str, low: float | None = None, high: float | None = None) -> Any:
    """A dataclass field with a default, a unit, a source and an inclusive range (None = open)."""
    bounds = [None if bound is None else Decimal(str(bound)) for bound in (low, high)]
    about = Parameter(unit=unit, source=source, low=bounds[0], high=bounds[1])
    return field(default=default, metadata={"parameter": about})


def require_in_range(settings: Any) -> None:
    """`Misconfigured`, naming the field and its range, unless every parameter of `settings` lies within."""
    for each in fields(settings):
        about: Parameter | None = each.metadata.get("parameter")
        if about is None or (about.low is None and about.high is None):
            continue
        value = getattr(settings, each.name)
        number = Decimal(str(value))
        within = (
            number.is_finite()
            and (about.low is None or number >= about.low)
            and (about.high is None or number <= about.high)
        )
        if not within:
            low = "" if about.low is None else f"{about.low} <= "
            high = "" if about.high is None else f" <= {about.high}"
            raise Misconfigured(f"{each.name}: expected {low}value{high} {about.unit}, got {value}")


def near(name: str, known: Iterable[str]) -> str:
    """What to add to "unknown ...": the nearest of the `known` names, or all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]}?" if close else f"; expected one of {', '.join(names)}"


def require_known(kind: Any, value: object, where: str) -> None:
    """`Misconfigured`, with the nearest one, for a word that the choices of the type `kind` do not have.

    `kind` is an enumeration of words, one or None, or a tuple of them; of any other type nothing is asked.
    """
    for each in get_args(kind) or (kind,):
        if isinstance(each, type) and issubclass(each, StrEnum):
            for word in value if isinstance(value, list | tuple) else (value,):
                if isinstance(word, str) and word not in set(each):
                    raise Misconfigured(f"{where}: unknown: {word}{near(word, each)}")
