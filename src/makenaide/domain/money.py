"""Money as types: `Krw`, `Price` and `Quantity` on Decimal, which only combine legally.

    Price x Quantity -> Krw        Krw / Price -> Quantity (truncated to 8 decimals, as the venue does)
    Krw +- Krw -> Krw              Quantity +- Quantity -> Quantity
    Krw, Price x ratio -> same     Price / Price -> ratio (Decimal)

A float never becomes money: its construction raises TypeError.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Self

QUANTITY_STEP = Decimal("0.00000001")
"""Coins are counted in 8 decimals; the venue truncates further digits (upbit-api.md, section 5)."""

Number = Decimal | int | str


def plain(value: Decimal) -> str:
    """`value` without an exponent and without trailing zeros: Decimal("1E+3") -> "1000".

    The venue refuses "1e-05" as a volume (upbit-api.md, section 11, pitfall 7).
    """
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def exact(value: Number) -> Decimal:
    """`value` as a finite Decimal; TypeError for floats and bools, ValueError for NaN, infinity and nonsense."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise TypeError(f"money is Decimal, int or str, never {type(value).__name__}: {value!r}")
    try:
        number = Decimal(value)
    except ArithmeticError as cause:
        raise ValueError(f"not a decimal number: {value!r}") from cause
    if not number.is_finite():
        raise ValueError(f"not a finite number: {value!r}")
    return number


@dataclass(frozen=True, slots=True, eq=True)
class _Amount:
    value: Decimal

    def __init__(self, value: Number) -> None:
        object.__setattr__(self, "value", exact(value))

    def __lt__(self, other: Self) -> bool:
        return self.value < other.value if type(other) is type(self) else NotImplemented

    def __le__(self, other: Self) -> bool:
        return self.value <= other.value if type(other) is type(self) else NotImplemented

    def __bool__(self) -> bool:
        return bool(self.value)

    def __str__(self) -> str:
        return plain(self.value)


@dataclass(frozen=True, slots=True, init=False)
class Krw(_Amount):
    """An amount of Korean won; may be negative (a cost) and fractional (the venue keeps 8 and more decimals)."""

    def __add__(self, other: Krw) -> Krw:
        return Krw(self.value + other.value)

    def __sub__(self, other: Krw) -> Krw:
        return Krw(self.value - other.value)

    def __neg__(self) -> Krw:
        return Krw(-self.value)

    def __mul__(self, ratio: Decimal) -> Krw:
        return Krw(self.value * ratio)

    def __truediv__(self, price: Price) -> Quantity:
        return Quantity((self.value / price.value).quantize(QUANTITY_STEP, ROUND_DOWN))


@dataclass(frozen=True, slots=True, init=False)
class Quantity(_Amount):
    """An amount of one coin; never negative."""

    def __init__(self, value: Number) -> None:
        object.__setattr__(self, "value", exact(value))
        if self.value < 0:
            raise ValueError(f"a quantity is never negative: {self.value}")

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.value + other.value)

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.value - other.value)

    def share(self, ratio: Decimal) -> Quantity:
        """`ratio` of this quantity, truncated to 8 decimals."""
        return Quantity((self.value * ratio).quantize(QUANTITY_STEP, ROUND_DOWN))


@dataclass(frozen=True, slots=True, init=False)
class Price(_Amount):
    """Won for one coin; above zero."""

    def __init__(self, value: Number) -> None:
        object.__setattr__(self, "value", exact(value))
        if self.value <= 0:
            raise ValueError(f"a price is above zero: {self.value}")

    def __mul__(self, quantity: Quantity) -> Krw:
        return Krw(self.value * quantity.value)

    def __truediv__(self, other: Price) -> Decimal:
        return self.value / other.value

    def scale(self, ratio: Decimal) -> Price:
        """This price times `ratio`, not rounded to any tick: round with `domain.market`."""
        return Price(self.value * ratio)


ZERO_KRW = Krw(0)
ZERO_QUANTITY = Quantity(0)
