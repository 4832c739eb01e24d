"""Named parameters: range, unit and source beside the default."""

from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.domain.parameter import Parameter, parameter, require_in_range, require_known


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Settings of every kind of range."""

    both: float = parameter(2.5, "ATR", "trading.md, Exits", low=0.1, high=10)
    low: int = parameter(3, "days", "trading.md, Entry", low=1)
    high: Decimal = parameter(Decimal("0.5"), "ratio", "trading.md, Sizing", high=1)
    free: str = parameter("any", "text", "issue 2")
    plain: int = -7

    def __post_init__(self) -> None:
        require_in_range(self)


def test_defaults_lie_in_their_ranges() -> None:
    assert Sample().both == 2.5


@pytest.mark.parametrize(
    "made",
    [{"both": 0.1}, {"both": 10}, {"low": 1}, {"low": 10**9}, {"high": Decimal(1)}, {"high": -5}, {"plain": 0}],
)
def test_the_edges_of_a_range_belong_to_it(made: dict[str, Any]) -> None:
    Sample(**made)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ({"both": 0.09}, "both: expected 0.1 <= value <= 10 ATR, got 0.09"),
        ({"both": 10.5}, "both: expected 0.1 <= value <= 10 ATR, got 10.5"),
        ({"low": 0}, "low: expected 1 <= value days, got 0"),
        ({"high": Decimal("1.1")}, "high: expected value <= 1 ratio, got 1.1"),
        ({"both": float("nan")}, "both: expected 0.1 <= value <= 10 ATR, got nan"),
        ({"high": Decimal("NaN")}, "high: expected value <= 1 ratio, got NaN"),
        ({"low": float("inf")}, "low: expected 1 <= value days, got inf"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(made: dict[str, Any], message: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        Sample(**made)
    assert str(caught.value) == message


def test_unit_and_source_are_kept_beside_the_default() -> None:
    about = {each.name: each.metadata.get("parameter") for each in fields(Sample)}
    assert about["both"] == Parameter(unit="ATR", source="trading.md, Exits", low=Decimal("0.1"), high=Decimal(10))
    assert about["plain"] is None


class Colour(StrEnum):
    """Choices."""

    RED = "red"
    GREEN = "green"


@pytest.mark.parametrize("kind", [Colour, Colour | None, tuple[Colour, ...]])
@pytest.mark.parametrize(("word", "hint"), [("gren", "did you mean green?"), ("x", "expected one of green, red")])
def test_a_word_that_is_no_choice_is_refused_with_the_nearest(kind: Any, word: str, hint: str) -> None:
    value = ["red", word] if kind == tuple[Colour, ...] else word
    with pytest.raises(Misconfigured) as caught:
        require_known(kind, value, "shirt")
    assert str(caught.value) == f"shirt: unknown: {word}; {hint}"


@pytest.mark.parametrize(
    ("kind", "value"),
    [(Colour, "red"), (Colour | None, None), (tuple[Colour, ...], ["red", "green"]), (Colour, 5), (str, "x")],
)
def test_choices_and_whatever_is_no_word_pass(kind: Any, value: object) -> None:
    require_known(kind, value, "shirt")
