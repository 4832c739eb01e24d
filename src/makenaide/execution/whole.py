"""Is what `GET /order` shows of an order's trades whole, and does it agree with what is booked already?

A list that is not whole yet is looked at again; one that cannot be true is `Inconsistent`. Either way nothing of it
is booked: trades are posted once and for ever, so a doubtful one must wait.
"""

from collections.abc import Sequence
from decimal import Decimal, localcontext

from makenaide.domain.errors import Inconsistent
from makenaide.domain.order import Identifier
from makenaide.exchange.venue import PlacedOrder, Trade
from makenaide.ledger.fees import EXACT_DIGITS
from makenaide.ledger.fill import Fill
from makenaide.ledger.postings import KRW_TOLERANCE


def whole(placed: PlacedOrder) -> bool:
    """Whether every trade that the venue counts is listed, and they make up what it says was executed."""
    return placed.trades_count <= len(placed.trades) and _volume(placed.trades) >= placed.executed.value


def require_true(identifier: Identifier, placed: PlacedOrder, posted: Sequence[Fill]) -> None:
    """`Inconsistent`, naming the order and the trade, when a whole list cannot be true beside the `posted` fills.

    That is: more trades than counted, one listed twice, more traded than executed or asked, funds that are not price
    x volume within 0.01 KRW, a booked trade that vanished or changed. (Fees: `ledger.fees.share_fees`.)
    """
    reason = _untrue(placed, posted)
    if reason is not None:
        raise Inconsistent(f"{identifier}: {reason}")


def _untrue(placed: PlacedOrder, posted: Sequence[Fill]) -> str | None:
    trades = {trade.uuid: trade for trade in placed.trades}
    if len(trades) != len(placed.trades):
        return "the venue lists a trade twice"
    if placed.trades_count != len(trades):
        return f"the venue counts {placed.trades_count} trades and lists {len(trades)}"
    traded = _volume(placed.trades)
    if traded != placed.executed.value or (placed.volume is not None and traded > placed.volume.value):
        return f"trades of {traded} cannot be of an order that executed {placed.executed} of {placed.volume}"
    for trade in placed.trades:
        if not _priced(trade):
            return f"trade {trade.uuid}: {trade.funds} KRW are not {trade.volume} at {trade.price}"
    return _forgotten(trades, posted)


def _forgotten(trades: dict[str, Trade], posted: Sequence[Fill]) -> str | None:
    for uuid in dict.fromkeys(fill.trade_uuid for fill in posted):
        parts = [fill for fill in posted if fill.trade_uuid == uuid]  # more than one where positions share a sale
        if uuid not in trades:
            return f"trade {uuid} is booked, and the venue no longer lists it"
        now = trades[uuid]
        volume = sum((part.volume.value for part in parts), Decimal(0))
        funds = sum((part.funds.value for part in parts), Decimal(0))
        if (now.price, now.volume.value, now.funds.value) != (parts[0].price, volume, funds):
            was = f"{volume} at {parts[0].price} for {funds} KRW"
            return (
                f"trade {uuid} is booked as {was}, the venue now lists {now.volume} at {now.price} for {now.funds}"
            )
    return None


def _volume(trades: Sequence[Trade]) -> Decimal:
    return sum((trade.volume.value for trade in trades), Decimal(0))


def _priced(trade: Trade) -> bool:
    with localcontext(prec=EXACT_DIGITS):
        return abs(trade.price.value * trade.volume.value - trade.funds.value) <= KRW_TOLERANCE
