"""The JSON shapes of the exchange calls: every number a plain decimal string (upbit-api.md section 4)."""

from collections.abc import Sequence
from decimal import Decimal

from makenaide.domain.clock import kst
from makenaide.domain.market import Market, base_of, minimum_total, quote_of
from makenaide.domain.money import plain
from makenaide.exchange.simulator.core.orders import Order, Trade
from makenaide.exchange.simulator.core.wallet import Holding, Wallet
from makenaide.exchange.simulator.market import MarketState
from makenaide.exchange.simulator.settings import SelfMatch, VenueSettings

Json = dict[str, object]

_BID_TYPES = ["best_fok", "best_ioc", "limit", "limit_fok", "limit_ioc", "price"]
_ASK_TYPES = ["best_fok", "best_ioc", "limit", "limit_fok", "limit_ioc", "market"]


def account(currency: str, holding: Holding) -> Json:
    """One row of `/accounts`; `balance` is what is free."""
    return {
        "currency": currency,
        "balance": plain(holding.free),
        "locked": plain(holding.locked),
        "avg_buy_price": plain(holding.average),
        "avg_buy_price_modified": False,
        "unit_currency": "KRW",
    }


def accounts(wallet: Wallet) -> list[Json]:
    """The rows of `/accounts`; what is only pending cannot be seen."""
    return [account(currency, holding) for currency, holding in wallet if holding.free or holding.locked]


def order(each: Order, self_match_shown: bool = True) -> Json:
    """An order; what an order by total does not have (volumes) is absent, as in the official examples.

    Unless `self_match_shown`, an smp_type of none is left out, as it was before 2026-11-09.
    """
    ticket = each.ticket
    price = ticket.price if ticket.total is None else ticket.total
    shown = self_match_shown or ticket.self_match is not SelfMatch.NONE
    tail = {
        "smp_type": ticket.self_match.value if shown else None,
        "time_in_force": None if ticket.time_in_force is None else ticket.time_in_force.value,
        "identifier": ticket.identifier,
    }
    shape: Json = {
        "market": each.market,
        "uuid": each.uuid,
        "side": each.side.value,
        "ord_type": ticket.type.value,
        "price": _optional(price),
        "state": each.status.value,
        "created_at": kst(each.created_at).isoformat(timespec="seconds"),
        "volume": _optional(ticket.volume),
        "remaining_volume": _optional(each.remaining),
        "reserved_fee": plain(each.reserved_fee),
        "remaining_fee": plain(each.remaining_fee),
        "paid_fee": plain(each.paid_fee),
        "locked": plain(each.locked),
        "executed_volume": plain(each.executed),
        "prevented_volume": None if ticket.volume is None else plain(each.prevented_volume),
        "prevented_locked": plain(each.prevented_locked),
        "trades_count": len(each.trades),
    }
    return {name: value for name, value in (shape | tail).items() if value is not None}


def order_with_trades(each: Order, self_match_shown: bool = True) -> Json:
    """An order with its trades, oldest first: the reply of `GET /order`."""
    return order(each, self_match_shown) | {"trades": [_trade(each.market, trade) for trade in each.trades]}


def chance(market: Market, state: MarketState, settings: VenueSettings, wallet: Wallet) -> Json:
    """Fees, limits and balances in one market."""
    fee = plain(settings.fee(market))
    minimum = plain(minimum_total(market))
    base, quote = base_of(market), quote_of(market)
    maximum = settings.maximum(market)
    restricted = market in settings.limit_only
    return {
        "bid_fee": fee,
        "ask_fee": fee,
        "maker_bid_fee": fee,
        "maker_ask_fee": fee,
        "market": {
            "id": market,
            "name": f"{base}/{quote}",
            "order_types": ["limit"],
            "order_sides": ["ask", "bid"],
            "bid_types": ["limit"] if restricted else _BID_TYPES,
            "ask_types": ["limit"] if restricted else _ASK_TYPES,
            "bid": {"currency": quote, "min_total": minimum},
            "ask": {"currency": base, "min_total": minimum},
            "max_total": None if maximum is None else plain(maximum),
            "state": state.value.lower(),
        },
        "bid_account": account(quote, wallet.holding(quote)),
        "ask_account": account(base, wallet.holding(base)),
    }


def batch(done: Sequence[Order], failed: Sequence[Order]) -> Json:
    """The reply of the cancels by list."""
    return {"success": _named(done), "failed": _named(failed)}


def _named(orders: Sequence[Order]) -> Json:
    rows = []
    for each in orders:
        row = {"uuid": each.uuid, "market": each.market}
        rows.append(row if each.ticket.identifier is None else row | {"identifier": each.ticket.identifier})
    return {"count": len(rows), "orders": rows}


def _trade(market: Market, trade: Trade) -> Json:
    return {
        "market": market,
        "uuid": trade.uuid,
        "price": plain(trade.price),
        "volume": plain(trade.volume),
        "funds": plain(trade.funds),
        "trend": "up" if trade.taker == "bid" else "down",
        "created_at": kst(trade.at).isoformat(timespec="microseconds"),
        "side": trade.taker.value,
    }


def _optional(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
