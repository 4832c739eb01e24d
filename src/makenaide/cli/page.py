"""The report as one HTML file that needs nothing else: for keeping, mailing and printing."""

import html
from collections.abc import Sequence
from pathlib import Path

from makenaide.catalogue import Text
from makenaide.cli.files import write_whole
from makenaide.cli.output import percent, price, visible, won
from makenaide.cli.render import headline
from makenaide.pipeline.report import Report, shown_day

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--up:#0a7d4b;--down:#c0392b;--me:#1565c0;--btc:#b06000}
@media (prefers-color-scheme:dark){:root{--up:#4cd494;--down:#ff7b6b;--me:#7ab8ff;--btc:#ffc04d}}
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
.stamp{border:1px solid var(--btc);color:var(--btc);border-radius:.4rem;padding:.3rem .7rem;display:inline-block}
table{border-collapse:collapse}th,td{padding:.25rem 1.2rem .25rem 0;border-bottom:1px solid var(--line)}
th,td{text-align:left;white-space:nowrap}th{font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}.up{color:var(--up)}.down{color:var(--down)}.quiet{opacity:.75;font-size:.9rem}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(13rem,45%),1fr));gap:.8rem;margin:1rem 0}
dt{opacity:.75;font-size:.85rem}dd{margin:0;font-size:1.15rem}
.chart{position:relative;margin-left:3.2rem}.chart svg{display:block;width:100%;height:17rem}
.chart span{position:absolute;right:100%;padding-right:.5rem;transform:translateY(-50%)}
.chart span,.days{font-size:.8rem;font-variant-numeric:tabular-nums}
.days{display:flex;justify-content:space-between;margin-left:3.2rem}
"""
_WIDTH, _HEIGHT = 1000.0, 280.0
_MARGIN = 0.04
"""Share of the chart's height that stays free above and below the lines."""
_APART = 0.08
"""Share of the height that two labels need between them."""

Columns = Sequence[tuple[str, str]]


def write_page(file: Path, report: Report, text: Text) -> None:
    """Write the page whole or not at all; `DiskFull` or `Misconfigured` when it cannot be."""
    write_whole(file, page(report, text).encode())


def page(report: Report, text: Text) -> str:
    """The page's HTML; every text that came from outside is escaped."""
    title = _text(text("report.title"))
    stamp = _text(text(f"report.stamp.{report.stamp}"))
    parts = [
        f"<h1>{title}</h1>",
        f"<p>{_text(headline(report, text))}</p><p class=stamp>{stamp}</p>",
        _chart(report, text),
        _figures(report, text),
        _warnings(report, text),
        _trades(report, text),
        _open(report, text),
        _counts(report, text),
    ]
    head = (
        "<meta charset=utf-8><meta name=viewport content='width=device-width,initial-scale=1'>"
        f"<title>{title}</title><style>{_STYLE}</style>"
    )
    language = _text(text("language"))
    return f"<!doctype html><html lang={language}><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def _chart(report: Report, text: Text) -> str:
    """Equity and buy-and-hold BTC, both starting at 100; the labels are text, so that they keep their size."""
    rows = [row for row in report.equity if row.bitcoin]
    if len(rows) < 2:
        return ""
    mine = [float(row.equity.value / rows[0].equity.value) * 100 for row in rows]
    bitcoin = [float((row.bitcoin or 0) / (rows[0].bitcoin or 1)) * 100 for row in rows]
    low, high = min(*mine, *bitcoin), max(*mine, *bitcoin)
    scale, drawn = "vector-effect=non-scaling-stroke", "preserveAspectRatio=none role=img aria-label='{}'"
    start = _down(100.0, low, high)
    lines = (
        f"<path d='M0 {start * _HEIGHT:.1f}H{_WIDTH:.0f}' stroke='var(--line)' stroke-dasharray='4 4' {scale} />"
    )
    lines += "".join(
        f"<polyline fill=none stroke='var(--{name})' stroke-width=2 {scale} points='{_points(values, low, high)}' />"
        for name, values in (("btc", bitcoin), ("me", mine))
    )
    marks = {high: _down(high, low, high), low: _down(low, low, high)}
    if min(abs(start - place) for place in marks.values()) > _APART:
        marks[100.0] = start
    labels = "".join(f"<span style='top:{place * 100:.1f}%'>{value:.1f}</span>" for value, place in marks.items())
    days = [shown_day(rows[at].slot)[:10] for at in (0, len(rows) // 2, len(rows) - 1)]
    title = _text(text("report.chart"))
    svg = f"<svg viewBox='0 0 {_WIDTH:.0f} {_HEIGHT:.0f}' {drawn.format(title)}>{lines}</svg>"
    return (
        f"<h2>{title}</h2><div class=chart>{labels}{svg}</div>"
        f"<div class=days>{''.join(f'<time>{day}</time>' for day in days)}</div>"
        f"<p>{_legend('me', text('report.equity'), mine)}&emsp;{_legend('btc', text('report.bitcoin'), bitcoin)}</p>"
    )


def _legend(name: str, label: str, values: list[float]) -> str:
    return f"<b style='color:var(--{name})'>■</b> {_text(label)} {values[-1]:.1f}"


def _down(value: float, low: float, high: float) -> float:
    """How far below the chart's upper edge `value` lies, as a share of its height."""
    return (high - value) / ((high - low) or 1.0) * (1 - 2 * _MARGIN) + _MARGIN


def _points(values: list[float], low: float, high: float) -> str:
    step = _WIDTH / (len(values) - 1)
    return " ".join(f"{at * step:.1f},{_down(value, low, high) * _HEIGHT:.1f}" for at, value in enumerate(values))


def _figures(report: Report, text: Text) -> str:
    result, told = report.result, report.statistics
    if result is None:
        return f"<p>{_text(text('report.nothing'))}</p>"
    runs = {"done": report.runs.get("done", 0), "missed": report.runs.get("missed", 0)}
    rows = (
        ("report.figure.return", percent(result.time_weighted)),
        ("report.figure.bitcoin", percent(result.bitcoin)),
        ("report.figure.equity", f"{won(result.end)} KRW"),
        ("report.figure.drawdown", percent(-result.drawdown)),
        ("report.figure.worst", percent(result.worst_trade)),
        ("report.figure.trades", text("report.trades", count=told.count, wins=told.wins, losses=told.losses)),
        ("report.figure.winrate", percent(told.win_rate, 1).lstrip("+")),
        ("report.figure.factor", "-" if told.profit_factor is None else f"{told.profit_factor:.2f}"),
        ("report.figure.fees", f"{won(result.fees)} KRW"),
        ("report.figure.gate", text("report.gate", open=report.gate_open_days, shut=report.gate_shut_days)),
        ("report.figure.runs", text("report.runs", **runs)),
    )
    cells = "".join(f"<div><dt>{_text(text(key))}</dt><dd>{_text(value)}</dd></div>" for key, value in rows)
    return f"<dl>{cells}</dl>"


def _warnings(report: Report, text: Text) -> str:
    """What is not as it should be, or that the books are sound."""
    said = [text("report.unsettled", order=order) for order in report.unsettled]
    said += [text("report.alarm", alarm=alarm, count=many) for alarm, many in report.alarms.items()]
    said += report.flaws
    if said:
        return "".join(f"<p class=down>{_text(each)}</p>" for each in said)
    return "" if report.result is None else f"<p class=up>{_text(text('report.sound'))}</p>"


def _trades(report: Report, text: Text) -> str:
    rows = [
        (
            trade.market,
            shown_day(trade.opened),
            shown_day(trade.closed),
            price(trade.entry),
            price(trade.exit),
            percent(trade.gain),
            won(trade.pnl),
            ", ".join(text(f"exit.{kind}") for kind in trade.exits),
        )
        for trade in report.trades
    ]
    columns = [("market", ""), ("opened", ""), ("closed", ""), ("entry", "n"), ("exit", "n"), ("gain", "sign")]
    columns += [("pnl", "n"), ("reason", "")]
    return _table(text("report.section.trades", count=len(rows)), columns, rows, text)


def _open(report: Report, text: Text) -> str:
    rows = [
        (
            each.market,
            shown_day(each.opened),
            price(each.entry),
            price(each.mark),
            percent(each.gain),
            won(each.value),
            price(each.stop),
            text(f"exit.{each.stop_kind}"),
        )
        for each in report.open_positions
    ]
    columns = [("market", ""), ("opened", ""), ("entry", "n"), ("mark", "n"), ("gain", "sign"), ("value", "n")]
    columns += [("stop", "n"), ("kind", "")]
    return _table(text("report.section.open", count=len(rows)), columns, rows, text)


def _counts(report: Report, text: Text) -> str:
    """How often each rule spoke; the refusals that never did are named below."""
    columns = (("rule", ""), ("times", "n"))
    exits = [(text(f"exit.{kind}"), f"{many:,}" if many else "-") for kind, many in report.exits.items()]
    spoke = [(text(f"refusal.{kind}"), f"{many:,}") for kind, many in report.refusals.items() if many]
    never = ", ".join(text(f"refusal.{kind}") for kind, many in report.refusals.items() if not many)
    silent = f"<p class=quiet>{_text(text('report.never', kinds=never))}</p>" if never else ""
    return (
        _table(text("report.section.exits"), columns, exits, text)
        + _table(text("report.section.refusals"), columns, spoke, text)
        + silent
    )


def _table(title: str, columns: Columns, rows: Sequence[tuple[str, ...]], text: Text) -> str:
    """A table; `columns` are (name, kind): "n" stands right, "sign" also has the colour of its sign."""
    if not rows:
        return f"<h2>{_text(title)}</h2><p class=quiet>{_text(text('report.none'))}</p>"
    kinds = [kind for _, kind in columns]
    head = "".join(
        f"<th scope=col{' class=n' if kind else ''}>{_text(text(f'column.{name}'))}</th>" for name, kind in columns
    )
    body = "".join(
        "<tr>" + "".join(_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in rows
    )
    return (
        f"<h2>{_text(title)}</h2><div class=wide>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(cell: str, kind: str) -> str:
    sign = {"+": " up", "-": " down"}.get(cell[:1], "") if kind == "sign" and len(cell) > 1 else ""
    return f"<td class='n{sign}'>{_text(cell)}</td>" if kind else f"<td>{_text(cell)}</td>"


def _text(text: str) -> str:
    """`text` as HTML text or a quoted attribute."""
    return html.escape(visible(text))
