"""`scan`, `collect`, `decide`: one step of the cycle by hand, on the account's own venue."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from makenaide.catalogue import Text
from makenaide.cli.chosen import acting
from makenaide.cli.output import console, print_json, safe, table, won
from makenaide.domain.clock import kst, last_slot
from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market, market
from makenaide.domain.reason import Refusal
from makenaide.exchange.venue import Listing, Ticker
from makenaide.pipeline.collect import collect, refresh_listings, working_wallets
from makenaide.pipeline.decide import Outlook, outlook
from makenaide.pipeline.entering import Context, Plan, consider, held_markets
from makenaide.pipeline.interlude import compared
from makenaide.pipeline.session import Session
from makenaide.strategy.signal import Signal, candidates
from makenaide.strategy.universe import UNIVERSE_REFUSALS


def scan_markets(asked: Mapping[str, Any], *, as_json: bool) -> None:
    """The venue's list with price and turnover, and which rule keeps a market out of the universe."""
    with acting(asked) as (session, text):
        listed = refresh_listings(session, session.clock.now())
        tickers = session.venue.tickers(listed.codes)
        verdicts = {each.market: each.refusal for each in _outlook(session, listed.listings).signals}
    rows = scan_rows(listed.listings, tickers, verdicts, text("language"))
    if as_json:
        print_json({"at": kst(session.clock.now()).isoformat(), "shrunk": listed.shrunk, "markets": rows})
        return
    columns = [
        ("market", "left"),
        ("name", "left"),
        ("price", "right"),
        ("turnover", "right"),
        ("universe", "left"),
    ]
    cells = [
        (
            row["market"],
            safe(row["name"]),
            "-" if row["price"] is None else f"{row['price']:,}",
            won(row["turnover_24h"]),
            _verdict(row["excluded"], text),
        )
        for row in rows
    ]
    console().print(table([(text(f"column.{name}"), side) for name, side in columns], cells))
    inside = sum(1 for row in rows if row["excluded"] is None)
    console().print(text("scan.summary", listed=len(rows), inside=inside))


def scan_rows(
    listings: Iterable[Listing],
    tickers: Mapping[Market, Ticker],
    verdicts: Mapping[Market, Refusal | None],
    language: str,
) -> list[dict[str, Any]]:
    """A row for each market, the most traded first; one that was never traded has no price and no turnover (None)."""
    rows: list[dict[str, Any]] = [
        {
            "market": listing.market,
            "name": listing.korean_name if language == "ko" else listing.english_name,
            "price": None if seen is None else seen.price.value,
            "turnover_24h": None if seen is None else round(seen.turnover_24h.value),
            "warning": listing.warning,
            "cautions": list(listing.cautions),
            "excluded": _excluded(verdicts.get(listing.market, Refusal.UNKNOWN_DATA)),
        }
        for listing, seen in ((each, tickers.get(each.market)) for each in listings)
    ]
    return sorted(rows, key=lambda row: (-(row["turnover_24h"] or 0), row["market"]))


def _excluded(refusal: Refusal | None) -> str | None:
    return str(refusal) if refusal in UNIVERSE_REFUSALS else None


def _verdict(excluded: str | None, text: Text) -> str:
    return f"[green]{text('scan.inside')}[/]" if excluded is None else text(f"refusal.{excluded}")


def collect_candles(asked: Mapping[str, Any], *, as_json: bool) -> None:
    """Store every closed day candle that is missing."""
    with acting(asked) as (session, text):
        listed = refresh_listings(session, session.clock.now())
        with console(error=True).status(text("collect.busy", count=len(listed.codes))):
            got = collect(session, listed.codes, session.clock.now())
        known = session.db.row("candle_count", feed=session.account.feed)
    if as_json:
        data = {"markets": len(listed.codes), "new_candles": got.candles, "failed": got.failed}
        print_json(data | {"stored_candles": 0 if known is None else known.many})
        return
    out = console()
    out.print(
        text("collect.done", count=got.candles, markets=len(listed.codes), stored=known.many if known else 0)
    )
    for code, cause in got.failed.items():
        out.print(f"[red]{code}: {safe(cause)}[/]")


def explain_decision(asked: Mapping[str, Any], explain: str | None, *, as_json: bool) -> None:
    """What the rules make of the newest closed day: the gate and the candidates, or everything of one market."""
    code = None if explain is None else market(explain)
    with acting(asked) as (session, text):
        listed = refresh_listings(session, session.clock.now())
        _require_listed(code, listed.codes)
        collect(session, listed.codes if code is None else {code, *listed.codes}, session.clock.now())
        thinking = _outlook(session, listed.listings)
        data: dict[str, Any] = {"day": thinking.day.isoformat(), "gate": _gate(thinking)}
        if code is None:
            data["candidates"] = [each.market for each in candidates(thinking.signals)]
        else:
            data |= _explained(session, thinking, code)
    if as_json:
        print_json(data)
    else:
        _print_decision(data, text)


def _require_listed(code: Market | None, listed: tuple[Market, ...]) -> None:
    if code is not None and code not in listed:
        close = difflib.get_close_matches(code, listed, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UnknownMarket(f"market: {code} is not listed{hint}")


def _outlook(session: Session, listings: Any) -> Outlook:
    slot = last_slot(session.clock.now(), session.schedule.times)
    return outlook(session, listings, held_markets(session), slot)


def _gate(thinking: Outlook) -> dict[str, Any]:
    gate = thinking.gate
    return {"open": gate.open, "reason": gate.reason, "btc_stage": gate.btc_stage, "breadth": gate.breadth}


def _explained(session: Session, thinking: Outlook, code: Market) -> dict[str, Any]:
    signal = next((each for each in thinking.signals if each.market == code), None)
    if signal is None:
        return {"market": code, "refusal": str(Refusal.UNKNOWN_DATA), "features": {}, "rules": []}
    data: dict[str, Any] = {"market": code, "refusal": signal.refusal, "features": dict(signal.evidence)}
    data["rules"] = _rules(signal)
    if signal.refusal is None:
        slot = last_slot(session.clock.now(), session.schedule.times)
        state = compared(session)
        context = Context(slot=slot, bought_today=0, state=state, wallets=working_wallets(session))
        verdict = consider(session, thinking, signal, context)
        data["refusal"] = None if isinstance(verdict, Plan) else str(verdict.refusal)
        data |= {name: part for name, part in verdict.evidence.items() if name != "features"}
    return data


def _rules(signal: Signal) -> list[dict[str, Any]]:
    """Each rule of entry with what was measured, what was asked, and whether it holds (None: cannot be told)."""
    seen: dict[str, Any] = dict(signal.evidence)
    reach = None if seen["pivot"] is None else seen["pivot"] * (1 + seen["limit_reach"] / 100)
    asked = (
        ("not_warned", seen["warning"], "false", None if seen["warning"] is None else not seen["warning"]),
        ("history", seen["history"], f">= {seen['limit_history']}", seen["history"] >= seen["limit_history"]),
        ("turnover20", seen["turnover20"], f">= {seen['limit_turnover20']}", _least(seen, "turnover20")),
        ("stage", seen["stage"], "2", seen["stage"] == 2 if seen["stage"] else None),
        ("above_pivot", seen["close"], f"> {seen['pivot']}", _more(seen["close"], seen["pivot"])),
        ("volume_ratio", seen["volume_ratio"], f">= {seen['limit_volume_ratio']}", _least(seen, "volume_ratio")),
        ("within_reach", seen["close"], f"<= {reach}", _not_more(seen["close"], reach)),
        ("not_held", seen["held"], "false", not seen["held"]),
    )
    return [{"rule": name, "value": value, "asked": limit, "holds": holds} for name, value, limit, holds in asked]


def _least(seen: Mapping[str, Any], name: str) -> bool | None:
    return None if seen[name] is None else bool(seen[name] >= seen[f"limit_{name}"])


def _more(value: float | None, limit: float | None) -> bool | None:
    return None if value is None or limit is None else value > limit


def _not_more(value: float | None, limit: float | None) -> bool | None:
    return None if value is None or limit is None else value <= limit


def _print_decision(data: dict[str, Any], text: Text) -> None:
    out = console()
    gate = data["gate"]
    state = text("decide.open" if gate["open"] else "decide.shut")
    out.print(text("decide.gate", day=data["day"], state=state, reason=text(f"gate.{gate['reason']}")))
    out.print(text("decide.inputs", stage=gate["btc_stage"] or "-", breadth=_share(gate["breadth"])))
    if "candidates" in data:
        out.print(text("decide.candidates", markets=", ".join(data["candidates"]) or text("report.none")))
        return
    marks = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]?[/]"}
    rules = [
        (marks[r["holds"]], text(f"rule.{r['rule']}"), _short(r["value"]), safe(r["asked"])) for r in data["rules"]
    ]
    columns = [
        ("", "left"),
        (text("column.rule"), "left"),
        (text("column.value"), "right"),
        (text("column.asked"), "left"),
    ]
    out.print(table(columns, rules, title=data["market"]))
    for part in ("features", "limits", "entry", "sizing"):
        if data.get(part):
            rows = [(safe(name), _short(value)) for name, value in data[part].items()]
            out.print(table([(text(f"decide.{part}"), "left"), (text("column.value"), "left")], rows))
    verdict = text("decide.buy") if data["refusal"] is None else text(f"refusal.{data['refusal']}")
    out.print(f"[bold]{text('decide.verdict')}: {verdict}[/]")


def _share(breadth: float | None) -> str:
    return "-" if breadth is None else f"{breadth:.0%}"


def _short(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else safe("-" if value is None else value)
