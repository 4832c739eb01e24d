"""The report as data: what `--json` prints. Ratios are shares of one with six decimals, amounts are won."""

from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from makenaide.domain.clock import kst
from makenaide.domain.money import Krw, Price, Quantity, plain
from makenaide.ledger.position import ClosedTrade
from makenaide.pipeline.report import OpenPosition, Report

_RATIO = Decimal("0.000001")
_WON = Decimal("0.01")


def report_data(report: Report) -> dict[str, Any]:
    """`report` as plain values in a fixed order; times are KST with offset, and no path of the machine is in it."""
    account = report.account
    return {
        "stamp": report.stamp,
        "account": {
            "id": account.account_id,
            "venue": account.venue,
            "mode": account.mode,
            "seed": account.settings["seed"] if account.venue == "simulator" else None,
        },
        "period": {
            "finished": report.finished,
            "first_slot": _time(report.first_slot),
            "last_slot": _time(report.last_slot),
            "days": report.days,
            "markets": report.markets,
            "runs": report.runs,
            "gate_open_days": report.gate_open_days,
            "gate_shut_days": report.gate_shut_days,
        },
        "result": _result(report),
        "statistics": _statistics(report),
        "exits": dict(report.exits),
        "refusals": {str(kind): many for kind, many in report.refusals.items() if many},
        "refusals_never": [str(kind) for kind, many in report.refusals.items() if not many],
        "trades": [_trade(trade) for trade in report.trades],
        "open_positions": [_open(each) for each in report.open_positions],
        "refused_signals": [
            {"slot": _time(each.slot), "market": each.market, "refusal": str(each.refusal)}
            for each in report.signals
        ],
        "equity": [
            {
                "slot": _time(row.slot),
                "equity": _won(row.equity),
                "cash": _won(row.cash),
                "flow": _won(row.flow),
                "bitcoin": row.bitcoin,
            }
            for row in report.equity
        ],
        "unsettled_orders": list(report.unsettled),
        "alarms": report.alarms,
        "flaws": list(report.flaws),
    }


def _result(report: Report) -> dict[str, Any] | None:
    result = report.result
    if result is None:
        return None
    return {
        "start_equity": _won(result.start),
        "end_equity": _won(result.end),
        "deposited": _won(result.deposited),
        "time_weighted_return": _ratio(result.time_weighted),
        "month_to_date_return": _ratio(result.month_to_date),
        "rolling_30_day_return": _ratio(result.rolling_30),
        "bitcoin_return": _ratio(result.bitcoin),
        "max_drawdown": _ratio(result.drawdown),
        "drawdown_peak": _time(result.drawdown_peak),
        "drawdown_trough": _time(result.drawdown_trough),
        "worst_trade": _ratio(result.worst_trade),
        "worst_position": result.worst_position,
        "fees": _won(result.fees),
        "months": {month: _ratio(value) for month, value in result.months.items()},
    }


def _statistics(report: Report) -> dict[str, Any]:
    told = report.statistics
    return {
        "closed_trades": told.count,
        "wins": told.wins,
        "losses": told.losses,
        "win_rate": _ratio(told.win_rate),
        "profit_factor": _ratio(told.profit_factor),
        "expectancy": _won(told.expectancy),
        "mean_gain": _ratio(told.mean_gain),
        "mean_days": _ratio(told.mean_days),
        "pnl": _won(told.pnl),
        "fees": _won(told.fees),
    }


def _trade(trade: ClosedTrade) -> dict[str, Any]:
    return {
        "position": trade.position,
        "market": trade.market,
        "opened": _minute(trade.opened),
        "closed": _minute(trade.closed),
        "days": trade.holding_days,
        "entry": _plain(trade.entry),
        "exit": _plain(trade.exit),
        "quantity": _plain(trade.quantity),
        "pnl": _won(trade.pnl),
        "gain": _ratio(trade.gain),
        "fees": _won(trade.fees),
        "exits": [str(kind) for kind in trade.exits],
    }


def _open(each: OpenPosition) -> dict[str, Any]:
    return {
        "position": each.position,
        "market": each.market,
        "opened": _minute(each.opened),
        "entry": _plain(each.entry),
        "quantity": Decimal(each.quantity),
        "mark": _plain(each.mark),
        "value": _won(each.value),
        "gain": _ratio(each.gain),
        "stop": _plain(each.stop),
        "stop_kind": str(each.stop_kind),
        "high_water": _plain(each.high_water),
    }


def _time(moment: Any) -> str | None:
    return None if moment is None else kst(moment).isoformat(timespec="seconds")


def _minute(moment: datetime) -> str:
    """The KST minute, as in every report: seconds tell how calls were paced, which a resumed run does anew."""
    return kst(moment).isoformat(timespec="minutes")


def _ratio(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(_RATIO, ROUND_HALF_EVEN) + 0


def _won(amount: Krw | None) -> Decimal | None:
    return None if amount is None else Decimal(plain(amount.value.quantize(_WON, ROUND_HALF_EVEN)))


def _plain(value: Price | Quantity | None) -> Decimal | None:
    return None if value is None else Decimal(plain(round(value.value, 8)))
