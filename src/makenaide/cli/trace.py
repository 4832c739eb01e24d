"""`trace ORDER`: candles -> features -> signal -> gate -> size -> intent -> order events -> fills -> postings."""

from typing import Any

from rich.console import Console

from makenaide.app.database import open_store
from makenaide.app.identity import mode_of
from makenaide.catalogue import Text
from makenaide.cli.door import environment
from makenaide.cli.output import console, print_json, safe, table
from makenaide.pipeline.report import shown_day
from makenaide.pipeline.trace import OrderTrace, Trace, trace_data, trace_order
from makenaide.store.db import Role

_CANDLES_SHOWN = 10
_STOPS_SHOWN = 10


def show_trace(order: str, mode: str, *, as_json: bool) -> None:
    """Print the trade that `order` belongs to."""
    env, text = environment()
    rows = mode_of(env.config, {"mode": mode})
    with open_store(env, prepare=True, mode=rows) as store, store.open(Role.READER) as db:
        found = trace_order(db, order)
    if as_json:
        print_json(trace_data(found))
    else:
        _print(console(), found, text)


def _print(out: Console, trace: Trace, text: Text) -> None:
    data = trace_data(trace)
    slot = "-" if trace.slot is None else shown_day(trace.slot)
    out.print(f"[bold]{text('trace.title', order=safe(trace.asked), slot=slot)}[/]")
    _print_candles(out, trace, text)
    for part in ("features", "gate", "limits", "size", "entry"):
        if data[part]:
            _heading(out, text, part)
            out.print(
                ", ".join(f"[dim]{safe(name)}[/] {safe(_short(value))}" for name, value in data[part].items())
            )
    for each in trace.orders:
        _print_order(out, each, text)
    _heading(out, text, "stops")
    shown = trace.stops[:1] + trace.stops[1:][-_STOPS_SHOWN:]
    rows = [(shown_day(s.at), s.price, text(f"exit.{s.kind}"), s.high_water) for s in shown]
    columns = (("slot", "left"), ("stop", "right"), ("kind", "left"), ("high_water", "right"))
    out.print(table([(text(f"column.{name}"), side) for name, side in columns], rows))
    if len(trace.stops) > len(shown):
        out.print(text("trace.more", count=len(trace.stops) - len(shown)), style="dim")


def _print_candles(out: Console, trace: Trace, text: Text) -> None:
    _heading(out, text, "candles")
    names = ("open", "high", "low", "close", "volume", "turnover")
    rows = [
        (f"{c.start:%Y-%m-%d}", *(f"{getattr(c, name).value:,.10g}" for name in names))
        for c in trace.candles[-_CANDLES_SHOWN:]
    ]
    columns = [(text("column.day"), "left"), *((text(f"column.{name}"), "right") for name in names)]
    out.print(table(columns, rows))
    if len(trace.candles) > _CANDLES_SHOWN:
        out.print(text("trace.more", count=len(trace.candles) - _CANDLES_SHOWN), style="dim")


def _print_order(out: Console, each: OrderTrace, text: Text) -> None:
    request = each.order.request
    reason = text("trace.entry") if each.order.reason == "entry" else text(f"exit.{each.order.reason}")
    _heading(out, text, "intent")
    size = f"{request.volume} @ {request.price or text('trace.market')}"
    out.print(f"[cyan]{each.order.identifier}[/] {reason}: {request.side} {size} {request.time_in_force or ''}")
    _heading(out, text, "events")
    rows = [
        (f"{event['at']:%Y-%m-%d %H:%M:%S}Z", event["event"], event["state"], event["uuid"] or "")
        for event in each.events
    ]
    columns = (("at", "left"), ("event", "left"), ("state", "left"), ("uuid", "left"))
    out.print(table([(text(f"column.{name}"), side) for name, side in columns], rows))
    _heading(out, text, "fills")
    fills = [(f.trade_uuid, f.price, f.volume, f.funds, f.fee) for f in each.fills]
    names = (("trade", "left"), ("price", "right"), ("quantity", "right"), ("funds", "right"), ("fee", "right"))
    out.print(table([(text(f"column.{name}"), side) for name, side in names], fills))
    _heading(out, text, "postings")
    lines = [(p.source[:8], str(p.book), p.currency, f"{p.amount:,f}") for p in each.postings]
    books = (("trade", "left"), ("book", "left"), ("currency", "left"), ("amount", "right"))
    out.print(table([(text(f"column.{name}"), side) for name, side in books], lines))


def _heading(out: Console, text: Text, part: str) -> None:
    out.print(f"\n[bold]{text(f'trace.{part}')}[/]")


def _short(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else "-" if value is None else str(value)
