"""The report as one HTML file that needs nothing else: for keeping, mailing and printing."""

from datetime import datetime
from html import escape
from pathlib import Path

from makenaide.catalogue import Text
from makenaide.cli.files import write_whole
from makenaide.cli.output import percent, price, won
from makenaide.domain.clock import kst
from makenaide.pipeline.report import Report, shown_day

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--up:#0a7d4b;--down:#c0392b;--me:#1565c0;--btc:#c77700}
@media (prefers-color-scheme:dark){:root{--up:#4cd494;--down:#ff7b6b;--me:#7ab8ff;--btc:#ffc04d}}
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
.stamp{border:1px solid var(--btc);color:var(--btc);border-radius:.4rem;padding:.3rem .7rem;display:inline-block}
table{border-collapse:collapse;width:100%}th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line)}
th{text-align:left;font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}.up{color:var(--up)}.down{color:var(--down)}svg{width:100%;height:auto}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:.8rem;margin:1rem 0}
dt{opacity:.7;font-size:.85rem}dd{margin:0;font-size:1.15rem}
"""
_WIDTH, _HEIGHT = 1000.0, 280.0


def write_page(file: Path, report: Report, text: Text) -> None:
    """Write the page whole or not at all; `DiskFull` or `Misconfigured` when it cannot be."""
    write_whole(file, page(report, text).encode())


def page(report: Report, text: Text) -> str:
    """The page's HTML; every text that came from outside is escaped."""
    title = escape(text("report.title"))
    stamp = escape(text(f"report.stamp.{report.stamp}"))
    parts = [
        f"<h1>{title}</h1>",
        f"<p>{escape(_period(report, text))}</p><p class=stamp>{stamp}</p>",
        _chart(report, text),
        _figures(report, text),
        _trades(report, text),
        _open(report, text),
        _counts(report, text),
    ]
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>{title}</title>"
    return f"<!doctype html><html>{head}<style>{_STYLE}</style><body>{''.join(parts)}</body></html>\n"


def _period(report: Report, text: Text) -> str:
    def day(moment: datetime | None) -> str:
        return f"{kst(moment):%Y-%m-%d}" if moment else "-"

    return f"{day(report.first_slot)} .. {day(report.last_slot)} · {report.account.account_id} · " + text(
        "report.markets", count=report.markets
    )


def _chart(report: Report, text: Text) -> str:
    rows = [row for row in report.equity if row.bitcoin]
    if len(rows) < 2:
        return ""
    mine = [float(row.equity.value / rows[0].equity.value) * 100 for row in rows]
    bitcoin = [float((row.bitcoin or 0) / (rows[0].bitcoin or 1)) * 100 for row in rows]
    low, high = min(*mine, *bitcoin), max(*mine, *bitcoin)
    lines = "".join(
        f"<polyline fill=none stroke='var(--{name})' stroke-width=2 points='{_points(values, low, high)}'/>"
        for name, values in (("btc", bitcoin), ("me", mine))
    )
    labels = (
        f"<text x=4 y=14 fill=currentColor font-size=13>{high:.1f}</text>"
        f"<text x=4 y={_HEIGHT - 4:.0f} fill=currentColor font-size=13>{low:.1f}</text>"
    )
    legend = (
        f"<p><span style='color:var(--me)'>■</span> {escape(text('report.equity'))} "
        f"<span style='color:var(--btc)'>■</span> {escape(text('report.bitcoin'))}</p>"
    )
    svg = f"<svg viewBox='0 0 {_WIDTH:.0f} {_HEIGHT:.0f}' role=img aria-label='{escape(text('report.chart'))}'>"
    return f"<h2>{escape(text('report.chart'))}</h2>{svg}{lines}{labels}</svg>{legend}"


def _points(values: list[float], low: float, high: float) -> str:
    span = (high - low) or 1.0
    step = _WIDTH / max(len(values) - 1, 1)
    return " ".join(
        f"{at * step:.1f},{(high - value) / span * (_HEIGHT - 20) + 10:.1f}" for at, value in enumerate(values)
    )


def _figures(report: Report, text: Text) -> str:
    result, told = report.result, report.statistics
    if result is None:
        return f"<p>{escape(text('report.nothing'))}</p>"
    rows = (
        ("report.figure.return", percent(result.time_weighted)),
        ("report.figure.bitcoin", percent(result.bitcoin)),
        ("report.figure.equity", f"{won(result.end)} KRW"),
        ("report.figure.drawdown", percent(-result.drawdown)),
        ("report.figure.worst", percent(result.worst_trade)),
        ("report.figure.trades", text("report.trades", count=told.count, wins=told.wins, losses=told.losses)),
        ("report.figure.fees", f"{won(result.fees)} KRW"),
    )
    cells = "".join(f"<div><dt>{escape(text(key))}</dt><dd>{escape(value)}</dd></div>" for key, value in rows)
    return f"<dl>{cells}</dl>"


def _trades(report: Report, text: Text) -> str:
    rows = [
        [
            trade.market,
            shown_day(trade.opened),
            shown_day(trade.closed),
            price(trade.entry),
            price(trade.exit),
            percent(trade.gain),
            won(trade.pnl),
            ", ".join(text(f"exit.{kind}") for kind in trade.exits),
        ]
        for trade in report.trades
    ]
    names = ("market", "opened", "closed", "entry", "exit", "gain", "pnl", "reason")
    return _table(text("report.section.trades", count=len(rows)), [text(f"column.{n}") for n in names], rows, 5)


def _open(report: Report, text: Text) -> str:
    rows = [
        [
            each.market,
            shown_day(each.opened),
            price(each.entry),
            price(each.mark),
            percent(each.gain),
            price(each.stop),
            text(f"exit.{each.stop_kind}"),
        ]
        for each in report.open_positions
    ]
    names = ("market", "opened", "entry", "mark", "gain", "stop", "kind")
    return _table(text("report.section.open", count=len(rows)), [text(f"column.{n}") for n in names], rows, 4)


def _counts(report: Report, text: Text) -> str:
    columns = [text("column.rule"), text("column.times")]
    exits = [[text(f"exit.{kind}"), str(many)] for kind, many in report.exits.items()]
    refusals = [[text(f"refusal.{kind}"), f"{many:,}"] for kind, many in report.refusals.items()]
    return _table(text("report.section.exits"), columns, exits, None) + _table(
        text("report.section.refusals"), columns, refusals, None
    )


def _table(title: str, columns: list[str], rows: list[list[str]], gain: int | None) -> str:
    """A table; cells that look like numbers stand right, the column `gain` is coloured by its sign."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(_cell(cell, at == gain) for at, cell in enumerate(row)) + "</tr>" for row in rows
    )
    return f"<h2>{escape(title)}</h2><div class=wide><table><thead><tr>{head}</tr></thead>{body}</table></div>"


def _cell(cell: str, signed: bool) -> str:
    number = cell[:1] in "+-0123456789" and cell[4:5] != "-"
    kind = "n" if number else ""
    if signed:
        kind += " up" if cell.startswith("+") else " down"
    return f"<td class='{kind}'>{escape(cell)}</td>"
