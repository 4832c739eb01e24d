"""The order's life: every state against every event, and identifiers (house.md section 5)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.clock import KST
from makenaide.domain.errors import Inconsistent
from makenaide.domain.market import Market
from makenaide.domain.money import Price, Quantity
from makenaide.domain.order import (
    Absent,
    Accepted,
    Burning,
    Duplicate,
    Event,
    Found,
    Leg,
    NoAnswer,
    NotAccepted,
    NotSent,
    OrderLife,
    OrderState,
    Overtaken,
    PositionId,
    Rejected,
    Sending,
    Voided,
    advance,
    identifier,
    position_id,
)

S = OrderState
BURNING = Burning(Price(Decimal(1)), Quantity(Decimal(5_000)))
OVERTAKEN = Overtaken("guard", Quantity(Decimal(1)), "less is left", {})
EVENTS: dict[str, Event] = {
    "sending": Sending(),
    "not_sent": NotSent("refused"),
    "accepted": Accepted("u"),
    "not_accepted": NotAccepted(1.0),
    "rejected": Rejected("insufficient_funds_bid", "no"),
    "duplicate": Duplicate(),
    "no_answer": NoAnswer("timeout"),
    "found_open": Found("u", False),
    "found_closed": Found("u", True),
    "absent": Absent(),
    "voided": Voided("four proofs"),
}

# One row an event, one column a state without and with doubt; "state!" = with doubt afterwards, "-" = impossible.
TABLE = """
event         planned   planned!   sent       sent!      unknown    unknown!   accepted   accepted!
sending       sent      sent!      sent!      sent!      sent!      sent!      -          -
not_sent      -         -          planned    unknown!   -          -          -          -
accepted      -         -          accepted   accepted!  -          -          -          -
not_accepted  -         -          planned    unknown!   -          -          -          -
rejected      -         -          rejected   unknown!   -          -          -          -
duplicate     -         -          unknown!   unknown!   -          -          -          -
no_answer     -         -          unknown!   unknown!   -          -          -          -
found_open    accepted  accepted!  accepted   accepted!  accepted   accepted!  accepted   accepted!
found_closed  closed    closed!    closed     closed!    closed     closed!    closed     closed!
absent        planned   planned!   unknown!   unknown!   unknown!   unknown!   -          -
voided        void      void!      void       void!      void       void!      -          -
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]
CELLS = [(start, row[0], end) for row in ROWS[1:] for start, end in zip(ROWS[0][1:], row[1:], strict=True)]
TERMINAL = [S.CLOSED, S.REJECTED, S.VOID]


def life(text: str) -> OrderLife:
    """ "sent!" as a life: SENT with doubt."""
    state = OrderState(text.rstrip("!"))
    return OrderLife(state, text.endswith("!"), "u" if state is S.ACCEPTED else None)


@pytest.mark.parametrize(("start", "event", "end"), CELLS)
def test_every_event_in_every_living_state(start: str, event: str, end: str) -> None:
    if end == "-":
        with pytest.raises(Inconsistent):
            advance(life(start), EVENTS[event])
        return
    after = advance(life(start), EVENTS[event])
    assert (after.state, after.doubt) == (life(end).state, life(end).doubt)
    if after.state in (S.ACCEPTED, S.CLOSED):
        assert after.uuid == "u"


@pytest.mark.parametrize("doubt", [False, True])
@pytest.mark.parametrize("state", TERMINAL)
@pytest.mark.parametrize("event", EVENTS)
def test_nothing_happens_to_an_order_that_has_ended(state: OrderState, event: str, doubt: bool) -> None:
    with pytest.raises(Inconsistent, match=f"an order that is {state}"):
        advance(OrderLife(state, doubt), EVENTS[event])


def test_the_table_covers_every_living_state_and_every_event() -> None:
    assert {row[0] for row in ROWS[1:]} == set(EVENTS)
    assert {cell.rstrip("!") for cell in ROWS[0][1:]} == {each.value for each in S if not each.terminal}
    assert len(CELLS) == len(EVENTS) * 8


def test_what_is_no_event_is_a_fault_of_the_program() -> None:
    nonsense: Any = "filled"
    with pytest.raises(AssertionError):
        advance(OrderLife(), nonsense)


@given(st.lists(st.sampled_from(sorted(EVENTS)), max_size=12))
def test_doubt_never_leaves_and_a_doubted_order_is_never_rejected(names: list[str]) -> None:
    now = OrderLife()
    for name in names:
        try:
            after = advance(now, EVENTS[name])
        except Inconsistent:
            continue
        assert after.doubt >= now.doubt
        assert not (after.doubt and after.state is S.REJECTED)
        now = after


@pytest.mark.parametrize(
    ("state", "terminal", "doubtful"),
    [
        (S.PLANNED, False, False),
        (S.SENT, False, True),
        (S.UNKNOWN, False, True),
        (S.ACCEPTED, False, False),
        (S.CLOSED, True, False),
        (S.REJECTED, True, False),
        (S.VOID, True, False),
    ],
)
def test_a_state_tells_whether_it_is_over_and_whether_it_is_in_doubt(
    state: OrderState, terminal: bool, doubtful: bool
) -> None:
    assert (state.terminal, state.doubtful) == (terminal, doubtful)


def test_a_position_is_named_after_its_entry_slot_in_korea() -> None:
    slot = datetime(2026, 1, 5, 9, tzinfo=KST)
    assert position_id(Market("KRW-BTC"), slot) == "KRW-BTC-20260105T0900"
    assert position_id(Market("KRW-BTC"), slot.astimezone(UTC)) == "KRW-BTC-20260105T0900"


POSITION = PositionId("KRW-BTC-20260105T0900")


@pytest.mark.parametrize(
    ("leg", "number", "text"),
    [
        (Leg.EXIT, 1, "mk1-7f3a-KRW-BTC-20260105T0900-x01"),
        (Leg.ENTRY, 1, "mk1-7f3a-KRW-BTC-20260105T0900-e01"),
        (Leg.EXIT, 12, "mk1-7f3a-KRW-BTC-20260105T0900-x12"),
        (Leg.EXIT, 123, "mk1-7f3a-KRW-BTC-20260105T0900-x123"),
    ],
)
def test_an_identifier_is_derived(leg: Leg, number: int, text: str) -> None:
    assert identifier("7f3a", POSITION, leg, number) == text


@pytest.mark.parametrize(
    ("installation", "position", "number"),
    [
        ("7F3A", POSITION, 1),
        ("7f3", POSITION, 1),
        ("7f3ab", POSITION, 1),
        ("7f3a", "KRW-BTC", 1),
        ("7f3a", "KRW-비트-20260105T0900", 1),
        ("7f3a", "KRW-" + "B" * 40 + "-20260105T0900", 1),
        ("7f3a", POSITION, 0),
        ("7f3a", POSITION, -1),
    ],
)
def test_an_identifier_that_the_venue_would_not_take_is_refused(
    installation: str, position: str, number: int
) -> None:
    with pytest.raises(ValueError, match="identifier"):
        identifier(installation, PositionId(position), Leg.ENTRY, number)


def test_different_orders_have_different_identifiers() -> None:
    made = {
        identifier(installation, PositionId(f"KRW-{coin}-2026010{day}T0900"), leg, number)
        for installation in ("7f3a", "0000")
        for coin in ("BTC", "ETH")
        for day in (5, 6)
        for leg in (Leg.ENTRY, Leg.EXIT)
        for number in (1, 2, 11)
    }
    assert len(made) == 2 * 2 * 2 * 2 * 3


@pytest.mark.parametrize("state", [S.PLANNED, S.ACCEPTED])
def test_only_an_order_in_doubt_is_burnt(state: OrderState) -> None:
    with pytest.raises(Inconsistent, match="is not burnt"):
        advance(OrderLife(state), BURNING)


def test_burning_an_order_in_doubt_is_a_send_that_keeps_the_doubt() -> None:
    assert advance(OrderLife(S.UNKNOWN), BURNING) == OrderLife(S.SENT, doubt=True)


def test_an_accepted_order_cannot_have_been_overtaken() -> None:
    with pytest.raises(Inconsistent, match="cannot have been overtaken"):
        advance(OrderLife(S.ACCEPTED, uuid="u"), OVERTAKEN)


def test_an_overtaken_order_is_in_doubt_unless_it_was_never_sent() -> None:
    assert advance(OrderLife(S.PLANNED), OVERTAKEN) == OrderLife(S.PLANNED)
    assert advance(OrderLife(S.REJECTED), OVERTAKEN) == OrderLife(S.UNKNOWN, doubt=True)


def test_an_identifier_is_spent_once_the_venue_says_that_it_is_used_and_stays_so() -> None:
    assert OrderLife() == OrderLife(S.PLANNED, doubt=False, uuid=None, spent=False)
    spent = advance(OrderLife(S.SENT), Duplicate())
    assert spent == OrderLife(S.UNKNOWN, doubt=True, spent=True)
    for event in (Absent(), BURNING):
        assert advance(spent, event).spent is True
    assert advance(spent, Voided("four proofs")) == OrderLife(S.VOID, doubt=True, spent=True)
    assert [advance(OrderLife(S.SENT), EVENTS[name]).spent for name in ("accepted", "no_answer", "rejected")] == [
        False
    ] * 3
