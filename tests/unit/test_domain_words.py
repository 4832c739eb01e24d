"""What the domain says and stores, to the letter: a refusal is read by people, a stored word by later versions."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from types import ModuleType
from typing import Any, NewType

import pytest

from makenaide.domain import market as market_module
from makenaide.domain import order as order_module
from makenaide.domain.candle import DAY_MINUTES, Candle, flaw
from makenaide.domain.clock import DAY, KST, kst, last_slot, next_slot, slot_time, utc
from makenaide.domain.errors import Inconsistent, Misconfigured, UnknownMarket
from makenaide.domain.market import Market, market, tick_size
from makenaide.domain.money import Krw, Price, Quantity, exact
from makenaide.domain.order import (
    Absent,
    Accepted,
    Answer,
    Duplicate,
    Identifier,
    Leg,
    NoAnswer,
    NotAccepted,
    NotSent,
    OrderLife,
    OrderRequest,
    OrderState,
    OrderType,
    PositionId,
    Rejected,
    Sending,
    Side,
    TimeInForce,
    Voided,
    advance,
    identifier,
)
from makenaide.domain.parameter import Parameter, near, parameter, require_in_range, require_known
from makenaide.domain.reason import SIGNAL_REFUSALS, Exit, Refusal
from makenaide.domain.verdict import Verdict, worst
from makenaide.ledger.postings import Book
from makenaide.risk.budget import Limit

NOON = datetime(2026, 1, 5, tzinfo=UTC)
ANY: Any = 0.5


@pytest.mark.parametrize("kind", [Refusal, Exit, OrderState, OrderType, TimeInForce, Book, Limit])
def test_a_stored_word_is_its_name_in_lower_case(kind: type[StrEnum]) -> None:
    assert {each.name.lower(): each.value for each in kind} == {each.value: each.value for each in kind}
    assert len({each.value for each in kind}) == len(kind.__members__)


def test_a_verdict_is_stored_and_shown_in_capitals() -> None:
    assert [each.value for each in Verdict] == ["PASS", "N/A", "WARN", "UNKNOWN", "FAIL"]


def test_the_exit_code_of_a_list_is_that_of_its_worst_verdict() -> None:
    """Issue 5: 0 PASS, 10 WARN, 20 UNKNOWN, 30 FAIL, the worst in that order; N/A is as good as PASS."""
    assert {each: each.exit_code for each in Verdict} == {
        Verdict.PASS: 0,
        Verdict.NOT_APPLICABLE: 0,
        Verdict.WARN: 10,
        Verdict.UNKNOWN: 20,
        Verdict.FAIL: 30,
    }
    assert worst([]) is Verdict.UNKNOWN, "nothing looked at is nothing known"
    assert worst([Verdict.NOT_APPLICABLE]) is Verdict.PASS
    assert worst([Verdict.NOT_APPLICABLE, Verdict.WARN, Verdict.PASS]) is Verdict.WARN
    assert worst([Verdict.WARN, Verdict.FAIL, Verdict.UNKNOWN]) is Verdict.FAIL
    assert worst([Verdict.UNKNOWN, Verdict.WARN]) is Verdict.UNKNOWN
    assert [each for each in Verdict if each.holds] == [Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.WARN]
    assert [each for each in Verdict if each.quiet] == [Verdict.PASS, Verdict.NOT_APPLICABLE]


def test_sides_and_legs_are_the_venues_and_the_identifiers_words() -> None:
    assert [(each.name, each.value) for each in Side] == [("BID", "bid"), ("ASK", "ask")]
    assert (Leg.ENTRY.value, Leg.EXIT.value) == ("e", "x")
    assert all(len(each) == 1 and each.islower() for each in Leg)


def test_refused_signals_start_with_lateness_and_leave_nothing_out() -> None:
    assert list(SIGNAL_REFUSALS) == list(Refusal)[list(Refusal).index(Refusal.LATE) :]


@pytest.mark.parametrize("module", [market_module, order_module])
def test_a_new_type_is_named_after_its_variable(module: ModuleType) -> None:
    made = {name: each for name, each in vars(module).items() if isinstance(each, NewType)}
    assert made
    assert all((each.__name__, each.__supertype__) == (name, str) for name, each in made.items())


def test_korean_time_has_a_name_and_a_day_its_minutes() -> None:
    assert kst(NOON).tzname() == "KST"
    assert timedelta(minutes=DAY_MINUTES) == DAY == timedelta(hours=24)


def test_a_candle_without_a_zone_is_told_in_these_words() -> None:
    price, start = Price(1), datetime(2026, 1, 5)  # noqa: DTZ001
    bare = Candle(
        market=Market("KRW-BTC"),
        start=start,
        minutes=DAY_MINUTES,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=Quantity(0),
        turnover=Krw(0),
    )
    assert flaw(bare) == "start has no time zone"


@pytest.mark.parametrize(
    ("promise", "headline"), [("one line", "one line"), ("first\n\nsecond\nthird\n", "first"), (None, "")]
)
def test_an_error_without_detail_says_the_first_line_of_its_promise(
    monkeypatch: pytest.MonkeyPatch, promise: str | None, headline: str
) -> None:
    monkeypatch.setattr(UnknownMarket, "__doc__", promise)
    assert str(UnknownMarket()) == headline


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: utc(datetime(2026, 1, 5)), "a time needs a zone: 2026-01-05T00:00:00"),  # noqa: DTZ001
        (lambda: slot_time("9:00"), "expected HH:MM, got '9:00'"),
        (lambda: slot_time("9:000"), "expected HH:MM, got '9:000'"),
        (lambda: slot_time("0a:00"), "expected HH:MM, got '0a:00'"),
        (lambda: slot_time("00:0a"), "expected HH:MM, got '00:0a'"),
        (lambda: slot_time("00:000"), "expected HH:MM, got '00:000'"),
        (lambda: next_slot(NOON, ()), "a schedule needs at least one slot"),
        (lambda: last_slot(NOON, ()), "a schedule needs at least one slot"),
        (lambda: market("eur-x"), "market: expected QUOTE-BASE such as KRW-BTC, got 'eur-x'"),
        (lambda: tick_size(Market("KRW-BTC"), Decimal(-1), date(2026, 1, 5)), "a price is above zero: -1"),
        (lambda: exact("twelve"), "not a decimal number: 'twelve'"),
        (lambda: exact("NaN"), "not a finite number: 'NaN'"),
        (lambda: exact(ANY), "money is Decimal, int or str, never float: 0.5"),
        (lambda: Quantity(-1), "a quantity is never negative: -1"),
        (lambda: Price(0), "a price is above zero: 0"),
        (
            lambda: identifier("7f3a", PositionId("x"), Leg.EXIT, 1),
            "identifier: 'mk1-7f3a-x-x01' is not mk1-<4 hex>-<position>-<e|x><nn> within 64 characters",
        ),
        (lambda: require_known(Exit, "x", "exit"), f"exit: unknown: x; expected one of {', '.join(sorted(Exit))}"),
    ],
)
def test_a_refusal_says_what_was_expected_and_what_came(call: Callable[[], object], words: str) -> None:
    with pytest.raises((ValueError, TypeError, Misconfigured)) as caught:
        call()
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("state", "event", "words"),
    [
        (OrderState.CLOSED, Absent(), "an order that is closed met Absent()"),
        (OrderState.ACCEPTED, Sending(), "an accepted order is never sent again"),
        (OrderState.PLANNED, Accepted("u"), "an order that is planned got the answer Accepted(uuid='u')"),
        (OrderState.PLANNED, NotSent("x"), "an order that is planned got the answer NotSent(cause='x')"),
        (OrderState.PLANNED, NoAnswer("x"), "an order that is planned got the answer NoAnswer(cause='x')"),
        (
            OrderState.UNKNOWN,
            Rejected("a", "b"),
            "an order that is unknown got the answer Rejected(name='a', message='b')",
        ),
        (OrderState.ACCEPTED, Absent(), "accepted order u is unknown to the venue"),
        (OrderState.ACCEPTED, Voided("none"), "an order that is accepted cannot be void"),
    ],
)
def test_an_event_that_cannot_follow_says_why(state: OrderState, event: Any, words: str) -> None:
    with pytest.raises(Inconsistent) as caught:
        advance(OrderLife(state, False, "u"), event)
    assert str(caught.value) == words


@pytest.mark.parametrize("doubt", [False, True])
@pytest.mark.parametrize("state", [OrderState.PLANNED, OrderState.SENT, OrderState.UNKNOWN])
def test_an_order_keeps_the_venues_name_for_it_through_doubt(state: OrderState, doubt: bool) -> None:
    assert advance(OrderLife(state, doubt, "u"), Absent()).uuid == "u"
    sent = advance(OrderLife(state, doubt, "u"), Sending())
    answers: list[Answer] = [NotSent("x"), NotAccepted(1.0), Rejected("a", "b"), Duplicate(), NoAnswer("x")]
    assert [advance(sent, answer).uuid for answer in answers] == ["u"] * 5


def test_what_is_no_event_is_named() -> None:
    nonsense: Any = "filled"
    with pytest.raises(AssertionError, match="filled"):
        advance(OrderLife(), nonsense)


def test_a_request_asks_for_nothing_that_is_not_said() -> None:
    request = OrderRequest(
        market=Market("KRW-BTC"), side=Side.BID, type=OrderType.LIMIT, identifier=Identifier("mk1-x")
    )
    assert (request.price, request.volume, request.total, request.time_in_force) == (None, None, None, None)


def test_an_order_begins_planned_without_doubt_or_name() -> None:
    assert OrderLife() == OrderLife(OrderState.PLANNED, False, None)


def test_an_identifier_has_64_characters_at_most() -> None:
    longest = PositionId("KRW-" + "B" * 33 + "-20260105T0900")
    assert len(identifier("7f3a", longest, Leg.EXIT, 10)) == 64
    with pytest.raises(ValueError, match="within 64 characters"):
        identifier("7f3a", longest, Leg.EXIT, 100)


def test_the_cause_of_a_refused_number_is_kept() -> None:
    with pytest.raises(ValueError, match="not a decimal number") as caught:
        exact("twelve")
    assert isinstance(caught.value.__cause__, ArithmeticError)


def test_a_default_is_kept_with_its_range_and_a_bound_may_be_open() -> None:
    made = parameter(Decimal(7), "days", "issue 4", low=0.1)
    about = made.metadata["parameter"]
    assert (made.default, about.unit, about.source) == (Decimal(7), "days", "issue 4")
    assert (about.low, about.high) == (Decimal("0.1"), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """The bounded setting comes after one that has no range at all, and one that is no parameter."""

    free: str = parameter("any", "text", "issue 4")
    plain: int = 5
    high: int = parameter(3, "days", "issue 4", low=1, high=4)


def test_every_parameter_is_looked_at_and_both_of_its_ends() -> None:
    require_in_range(Late(high=4))
    with pytest.raises(Misconfigured, match=r"^high: expected 1 <= value <= 4 days, got 5$"):
        require_in_range(Late(high=5))
    about = {each.name: each.metadata.get("parameter") for each in fields(Late)}
    assert about["high"] == Parameter(unit="days", source="issue 4", low=Decimal(1), high=Decimal(4))


def test_a_ratio_of_an_amount_is_that_part_of_it() -> None:
    assert Krw(200) * Decimal("0.05") == Krw(10)
    assert Quantity(3).share(Decimal("0.5")) == Quantity("1.5")
    assert Price(200).scale(Decimal("1.5")) == Price(300)


def test_the_nearest_name_is_offered_or_all_in_order() -> None:
    assert near("pric", ["volume", "price"]) == "; did you mean price?"
    assert near("zzz", ["volume", "price"]) == "; expected one of price, volume"


def test_money_of_one_kind_compares() -> None:
    assert Krw(1) < Krw(2) <= Krw(2)
    assert not Krw(2) < Krw(2)
    assert hash(Krw(2)) == hash(Krw("2.0"))


def test_slots_are_given_in_utc_whatever_the_zone_of_the_question() -> None:
    at = datetime(2026, 1, 5, 8, tzinfo=KST)
    assert next_slot(at, (time(9),)).tzinfo is UTC
    assert last_slot(at, (time(9),)).tzinfo is UTC
