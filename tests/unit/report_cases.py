"""Reports made by hand: one with everything in it, hostile names included, and one of a run that has not begun."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from makenaide.domain.market import Market
from makenaide.domain.money import ZERO_KRW, Krw, Price, Quantity
from makenaide.domain.order import PositionId
from makenaide.domain.reason import Exit, Refusal
from makenaide.ledger.performance import EquityPoint, maximum_drawdown, month_returns, statistics
from makenaide.ledger.position import ClosedTrade
from makenaide.pipeline.report import OpenPosition, RefusedSignal, Report, Result
from makenaide.store.accounts import Account
from makenaide.store.runs import EquityRow

FIRST = datetime(2025, 1, 1, 0, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>[red]\x1b[31m\u202e"
"""A name with HTML, terminal markup, an escape sequence and a change of the writing direction."""
_EQUITY = (10_000_000, 10_010_000, 10_180_000, 10_105_000, 10_050_000, 10_230_000, 10_400_000, 10_310_000)
_BITCOIN = (95_000_000, 98_200_000, 91_000_000, 88_150_000, 93_000_000, 104_500_000, 101_000_000, 99_750_000)


def day(number: int, minutes: int = 0) -> datetime:
    """09:00 KST of the `number`-th day, and `minutes` later."""
    return FIRST + timedelta(days=number, minutes=minutes)


def _trade(code: str, days: tuple[int, int], bought: tuple[str, str, str], exits: tuple[Exit, ...]) -> ClosedTrade:
    """`bought`: how much, at what price, and the price at which it was sold."""
    quantity, entry, leaving = Quantity(bought[0]), Price(bought[1]), Price(bought[2])
    cost, proceeds = entry * quantity, leaving * quantity
    pnl = proceeds - cost
    return ClosedTrade(
        position=PositionId(f"{code}-20250101T0900"),
        market=Market(code),
        opened=day(days[0]),
        closed=day(days[1], 137),
        entry=entry,
        exit=leaving,
        quantity=quantity,
        cost=cost,
        proceeds=proceeds,
        pnl=pnl,
        gain=pnl.value / cost.value,
        fees=Krw("21.5"),
        exits=exits,
        holding_days=days[1] - days[0],
    )


TRADES = (
    _trade("KRW-ETH", (0, 3), ("0.05", "4120000", "4943333.3333"), (Exit.THIRD, Exit.TRAILING_STOP)),
    _trade("KRW-SHIB", (1, 4), ("16000000", "0.0123", "0.01143"), (Exit.HARD_STOP,)),
)
OPEN = (
    OpenPosition(
        position=PositionId("KRW-XRP-20250105T0900"),
        market="KRW-XRP",
        opened=day(4),
        entry=Price("850.7"),
        quantity="120.5",
        mark=Price("931.2"),
        value=Krw("112209.6"),
        gain=Decimal("0.0941"),
        stop=Price("861.4"),
        stop_kind=Exit.TRAILING_STOP,
        high_water=Price("949"),
    ),
    OpenPosition(
        position=PositionId("KRW-ADA-20250106T0900"),
        market="KRW-ADA",
        opened=day(5),
        entry=Price("612"),
        quantity="80",
        mark=None,
        value=None,
        gain=None,
        stop=Price("569.16"),
        stop_kind=Exit.HARD_STOP,
        high_water=Price("612"),
    ),
)


def _account() -> Account:
    return Account(
        account_id="0123456789ab",
        venue="simulator",
        mode="paper",
        feed="simulator-0123456789ab",
        installation="0123",
        identity={},
        settings={"seed": 7},
        first_slot=FIRST,
        last_slot=day(7),
    )


def _equity() -> tuple[EquityRow, ...]:
    return tuple(
        EquityRow(
            slot=day(number),
            valued_at=day(number, 1),
            equity=Krw(equity),
            cash=Krw(equity - 300_000),
            flow=ZERO_KRW,
            bitcoin=Decimal(bitcoin),
        )
        for number, (equity, bitcoin) in enumerate(zip(_EQUITY, _BITCOIN, strict=True))
    )


def _result(rows: tuple[EquityRow, ...]) -> Result:
    points = [EquityPoint(at=row.slot, equity=row.equity, flow=row.flow) for row in rows]
    fall = maximum_drawdown(points)
    assert fall is not None
    return Result(
        start=rows[0].equity,
        end=rows[-1].equity,
        deposited=ZERO_KRW,
        time_weighted=Decimal("0.031"),
        month_to_date=Decimal("0.011"),
        rolling_30=Decimal("0.021"),
        bitcoin=Decimal("0.05"),
        drawdown=fall.depth,
        drawdown_peak=fall.peak_at,
        drawdown_trough=fall.trough_at,
        worst_trade=TRADES[1].gain,
        worst_position=TRADES[1].position,
        months=dict(month_returns(points)),
        fees=Krw("43.25"),
    )


def sample_report() -> Report:
    """Eight days, two closed trades, two positions (one without a price), refusals, and nothing wrong."""
    rows = _equity()
    spoke = {Refusal.EXCLUDED: 12, Refusal.NOT_STAGE_2: 1_234, Refusal.WIDE_SPREAD: 1}
    exits = {Exit.HARD_STOP: 1, Exit.TRAILING_STOP: 1, Exit.THIRD: 1}
    return Report(
        stamp="generated",
        account=_account(),
        finished=True,
        first_slot=FIRST,
        last_slot=day(7),
        days=7,
        markets=12,
        runs={"done": 8},
        gate_open_days=6,
        gate_shut_days=2,
        equity=rows,
        result=_result(rows),
        statistics=statistics(TRADES),
        trades=TRADES,
        exits={kind: exits.get(kind, 0) for kind in Exit},
        open_positions=OPEN,
        refusals={kind: spoke.get(kind, 0) for kind in Refusal},
        signals=(RefusedSignal(slot=day(6), market="KRW-TRX", refusal=Refusal.WIDE_SPREAD),),
        unsettled=(),
        alarms={},
        flaws=(),
    )


def troubled_report() -> Report:
    """The same with an unsettled order, an alarm, and a flaw of the books, all with hostile names."""
    return replace(
        sample_report(),
        trades=(replace(TRADES[0], market=Market(HOSTILE)),),
        open_positions=(replace(OPEN[0], market=HOSTILE),),
        signals=(RefusedSignal(slot=day(6), market=HOSTILE, refusal=Refusal.WIDE_SPREAD),),
        unsettled=("mk1-0123-KRW-XRP-20250105T0900-e01",),
        alarms={f"alarm.{HOSTILE}": 2},
        flaws=(HOSTILE,),
    )


def empty_report() -> Report:
    """A run whose first slot has not been finished."""
    return replace(
        sample_report(),
        account=replace(_account(), last_slot=None, first_slot=None),
        finished=False,
        first_slot=None,
        last_slot=None,
        days=0,
        runs={},
        gate_open_days=0,
        gate_shut_days=0,
        equity=(),
        result=None,
        statistics=statistics(()),
        trades=(),
        exits=dict.fromkeys(Exit, 0),
        open_positions=(),
        refusals=dict.fromkeys(Refusal, 0),
        signals=(),
    )
