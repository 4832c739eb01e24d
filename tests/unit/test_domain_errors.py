"""The error tree and the lists of reasons."""

import re

import pytest

from makenaide.domain import errors
from makenaide.domain.errors import Inconsistent, MakenaideError, UnknownMarket
from makenaide.domain.reason import SIGNAL_REFUSALS, Exit, Refusal


def tree(root: type[MakenaideError]) -> list[type[MakenaideError]]:
    """`root` and all below it that the domain draws."""
    below = [each for child in root.__subclasses__() for each in tree(child)]
    return [root, *below] if root.__module__ == errors.__name__ else below


def test_every_error_has_an_exit_code_of_its_own() -> None:
    codes = [each.exit_code for each in tree(MakenaideError)]
    assert len(set(codes)) == len(codes)
    assert not {0, 2} & set(codes)  # success and the command line's own usage error
    assert all(0 < code < 126 for code in codes)


def test_the_drawing_of_the_tree_is_true() -> None:
    drawn = dict(re.findall(r"(\w+) (\d+)(?:\s|$)", str(errors.__doc__)))
    assert {name: int(code) for name, code in drawn.items()} == {
        each.__name__: each.exit_code for each in tree(MakenaideError)
    }


@pytest.mark.parametrize("kind", tree(MakenaideError))
def test_an_error_says_what_its_docstring_promises_unless_told_more(kind: type[MakenaideError]) -> None:
    assert str(kind()) == str(kind.__doc__).split("\n", 1)[0]
    assert str(kind("detail")) == "detail"


def test_an_error_is_caught_by_what_its_reader_must_do() -> None:
    with pytest.raises(errors.Misconfigured):
        raise UnknownMarket
    with pytest.raises(MakenaideError):
        raise Inconsistent("books")


def test_refused_signals_are_those_of_markets_that_broke_out() -> None:
    assert SIGNAL_REFUSALS[0] is Refusal.LATE
    assert SIGNAL_REFUSALS[-1] is Refusal.VENUE_REFUSED
    assert not {Refusal.EXCLUDED, Refusal.HELD, Refusal.NO_BREAKOUT} & set(SIGNAL_REFUSALS)


@pytest.mark.parametrize("exit_", list(Exit))
def test_only_the_two_stops_start_a_cool_down(exit_: Exit) -> None:
    assert exit_.stop == exit_.value.endswith("stop")
