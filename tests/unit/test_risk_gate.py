"""The market gate (trading.md, Market gate)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.risk.gate import GateReason, GateState, next_gate
from makenaide.risk.settings import RiskSettings

SETTINGS = RiskSettings()
OPEN = GateState(open=True, reason=GateReason.OPENED, btc_stage=2, breadth=0.6)
SHUT = GateState(open=False, reason=GateReason.BREADTH_LOW, btc_stage=2, breadth=0.1)
R = GateReason


@pytest.mark.parametrize(
    ("before", "btc", "breadth", "open_", "reason"),
    [
        # it opens in stage 1 or 2 with breadth of at least 40 %
        (None, 2, 0.40, True, R.OPENED),
        (None, 1, 0.40, True, R.OPENED),
        (SHUT, 2, 0.90, True, R.OPENED),
        (OPEN, 1, 0.41, True, R.OPENED),
        # it shuts in stage 4, and below 30 %
        (OPEN, 4, 0.95, False, R.BTC_DECLINING),
        (OPEN, 4, 0.05, False, R.BTC_DECLINING),
        (OPEN, 2, 0.2999, False, R.BREADTH_LOW),
        (OPEN, 3, 0.10, False, R.BREADTH_LOW),
        (OPEN, 1, 0.0, False, R.BREADTH_LOW),
        # between it keeps its last state
        (OPEN, 2, 0.3999, True, R.KEPT),
        (SHUT, 2, 0.3999, False, R.KEPT),
        (OPEN, 2, 0.30, True, R.KEPT),
        (OPEN, 3, 0.90, True, R.KEPT),
        (SHUT, 3, 0.90, False, R.KEPT),
        # it starts shut
        (None, 2, 0.35, False, R.NEVER_OPENED),
        (None, 3, 0.90, False, R.NEVER_OPENED),
        # what is missing shuts it
        (OPEN, None, 0.90, False, R.INPUT_MISSING),
        (OPEN, 2, None, False, R.INPUT_MISSING),
        (OPEN, None, None, False, R.INPUT_MISSING),
        (OPEN, 0, 0.90, False, R.INPUT_MISSING),
        (OPEN, 5, 0.90, False, R.INPUT_MISSING),
        (OPEN, 2, float("nan"), False, R.INPUT_MISSING),
        (OPEN, 2, float("inf"), False, R.INPUT_MISSING),
    ],
)
def test_the_gate_opens_shuts_and_keeps(
    before: GateState | None, btc: int | None, breadth: float | None, open_: bool, reason: GateReason
) -> None:
    after = next_gate(before, btc, breadth, SETTINGS)
    assert (after.open, after.reason) == (open_, reason)
    assert after.btc_stage == btc


@pytest.mark.parametrize(("above", "of"), [(3, 10), (6, 20), (12, 40), (9, 30), (15, 50)])
def test_exactly_thirty_percent_does_not_shut_it_whatever_the_float_says(above: int, of: int) -> None:
    assert next_gate(OPEN, 2, above / of, SETTINGS).open


@pytest.mark.parametrize(("above", "of"), [(2, 5), (4, 10), (12, 30), (16, 40), (20, 50)])
def test_exactly_forty_percent_opens_it_whatever_the_float_says(above: int, of: int) -> None:
    assert next_gate(None, 2, above / of, SETTINGS).open


def test_after_a_missing_input_it_has_to_open_anew() -> None:
    blind = next_gate(OPEN, None, 0.35, SETTINGS)
    assert not next_gate(blind, 2, 0.35, SETTINGS).open
    assert next_gate(blind, 2, 0.45, SETTINGS).open


@given(st.lists(st.tuples(st.sampled_from([None, 0, 1, 2, 3, 4]), st.none() | st.floats(0, 1)), max_size=20))
def test_it_never_stands_open_against_its_own_rules(days: list[tuple[int | None, float | None]]) -> None:
    state = None
    opened = False
    for btc, breadth in days:
        state = next_gate(state, btc, breadth, SETTINGS)
        opened = opened or state.reason is R.OPENED
        if state.open:
            assert opened
            assert btc in (1, 2, 3)
            assert breadth is not None
            assert breadth > 0.2999999
