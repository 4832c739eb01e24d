"""Fills and trades to build ledger tests from."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import Identifier, PositionId, Side
from makenaide.domain.reason import Exit
from makenaide.ledger.fill import Fill
from makenaide.ledger.position import ClosedTrade

BTC = Market("KRW-BTC")
START = datetime(2026, 1, 5, tzinfo=UTC)


def fill(side: Side, price: str, volume: str, fee: str = "0", day: int = 0) -> Fill:
    """A fill of BTC on the `day`-th day; its funds are price x volume."""
    return Fill(
        trade_uuid=f"{side}-{price}-{volume}-{day}",
        identifier=Identifier("mk1-7f3a-KRW-BTC-20260105T0900-e01"),
        market=BTC,
        side=side,
        price=Price(price),
        volume=Quantity(volume),
        funds=Price(price) * Quantity(volume),
        fee=Krw(fee),
        at=START + timedelta(days=day),
    )


def trade(name: str, cost: int, pnl: int, days: int = 1) -> ClosedTrade:
    """A closed trade that cost so much and brought so much."""
    return ClosedTrade(
        position=PositionId(name),
        market=BTC,
        opened=START,
        closed=START + timedelta(days=days),
        entry=Price(cost),
        exit=Price(cost + pnl),
        quantity=Quantity(1),
        cost=Krw(cost),
        proceeds=Krw(cost + pnl),
        pnl=Krw(pnl),
        gain=Decimal(pnl) / cost,
        fees=Krw(2),
        exits=(Exit.STAGE,),
        holding_days=days,
    )
