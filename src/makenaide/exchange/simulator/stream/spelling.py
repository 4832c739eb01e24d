"""How the streams write numbers (upbit-api.md section 9.1).

DEFAULT writes prices as Java writes a double (`1.16539E8`, `5432.0`) and sizes with all eight decimals; SIMPLE
writes prices plainly (`116539000`) and sizes as Java does (`7.9276E-4`). Each value is text that JSON takes as it is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

Number = float | Decimal
Spelled = Callable[[Number], str]

_PLAIN_FROM, _PLAIN_BELOW = 1e-3, 1e7


@lru_cache(maxsize=65_536)
def double(value: Number) -> str:
    """As Java writes a double: plain from 0.001 to below ten million, else with an exponent."""
    number = float(value)
    if number == 0:
        return "0.0"
    if _PLAIN_FROM <= abs(number) < _PLAIN_BELOW:
        return repr(number)
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    if not isinstance(exponent, int):
        return "0.0"  # neither infinity nor "not a number" is JSON
    text = "".join(map(str, digits))
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{exponent + len(text) - 1}"


@lru_cache(maxsize=65_536)
def plainly(value: Number) -> str:
    """Without an exponent, and without a fraction when there is none."""
    if isinstance(value, float):
        if value.is_integer():
            return str(int(value))
        text = repr(value)
        return format(Decimal(text), "f") if "e" in text else text
    return format(value.normalize(), "f")


def eight(value: Number) -> str:
    """With eight decimals, trailing zeros kept."""
    return f"{value:.8f}"


@dataclass(frozen=True, slots=True)
class Spelling:
    """How one format writes prices, and sizes."""

    price: Spelled
    size: Spelled


DEFAULT = Spelling(price=double, size=eight)
SIMPLE = Spelling(price=plainly, size=double)
