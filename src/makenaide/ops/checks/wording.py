"""How numbers and foreign words stand in the sentences of checks."""

from collections.abc import Sequence
from decimal import Decimal

_LONGEST = 300
_SHOWN = Decimal("0.000001")


def clean(text: object, longest: int = _LONGEST) -> str:
    """`text` cut short and without what the database cannot keep; everything else of it stays, hostile or not."""
    return str(text)[:longest].replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def names(found: Sequence[object], most: int = 5) -> str:
    """The first of `found` as one text: "a, b, c +2"."""
    more = f" +{len(found) - most}" if len(found) > most else ""
    return ", ".join(clean(each, 80) for each in found[:most]) + more


def ratio(value: Decimal) -> Decimal:
    """`value` with six decimals, as values of checks show ratios."""
    return value.quantize(_SHOWN)


def percent(value: Decimal | None) -> str:
    """A ratio as a person reads it, in percent with two decimals; "-" for none."""
    return "-" if value is None else f"{value * 100:.2f}"


def won(value: Decimal | None) -> str:
    """Won as a person reads it: "-1,234"; "-" for none."""
    return "-" if value is None else f"{value:,.0f}"
