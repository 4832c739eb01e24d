"""The report for a person at a terminal: first the curve, then the figures, then every trade with its reason."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text as Styled

from makenaide.catalogue import Text
from makenaide.cli.chart import line_chart
from makenaide.cli.output import coloured, percent, price, safe, table, won
from makenaide.domain.reason import SIGNAL_REFUSALS, Refusal
from makenaide.pipeline.report import Report, Result, shown_day
from makenaide.strategy.universe import UNIVERSE_REFUSALS

_CHART_HEIGHT = 12
_SIGNALS_SHOWN = 20
_NARROW = 100
"""Terminals below this width get the tables without the columns that JSON and the page still have."""


def print_report(out: Console, report: Report, text: Text) -> None:
    """Print all parts; a run without a finished slot says so."""
    out.print()
    out.print(f"[bold]{text('report.title')}[/]  [yellow]{text(f'report.stamp.{report.stamp}')}[/]")
    out.print(headline(report, text))
    if report.result is None:
        out.print(text("report.nothing"))
        return
    out.print()
    _print_chart(out, report, text)
    out.print()
    _print_figures(out, report, report.result, text)
    _print_trades(out, report, text)
    _print_open(out, report, text)
    _print_exits(out, report, text)
    _print_refusals(out, report, text)
    _print_warnings(out, report, text)
    out.print(f"\n[yellow]{text(f'report.stamp.{report.stamp}')}[/]")


def headline(report: Report, text: Text) -> str:
    """The account, the period and whether the run is finished, in one sentence."""
    state = "report.finished" if report.finished else "report.unfinished"
    return text(
        state,
        account=report.account.account_id,
        first=shown_day(report.first_slot) if report.first_slot else "-",
        last=shown_day(report.last_slot) if report.last_slot else "-",
        days=report.days,
        markets=report.markets,
    )


def _print_chart(out: Console, report: Report, text: Text) -> None:
    """Equity and buy-and-hold BTC, both starting at 100, on one scale."""
    rows = [row for row in report.equity if row.bitcoin is not None]
    if len(rows) < 2:
        return
    equity = [float(row.equity.value / rows[0].equity.value) * 100 for row in rows]
    bitcoin = [float((row.bitcoin or 0) / (rows[0].bitcoin or 1)) * 100 for row in rows]
    width = max(20, min(out.width, 120) - 10)
    (lower, upper), low, high = line_chart([bitcoin, equity], width, _CHART_HEIGHT)
    out.print(
        f"{text('report.chart')}: [cyan]{text('report.equity')} {equity[-1]:.1f}[/], "
        f"[yellow]{text('report.bitcoin')} {bitcoin[-1]:.1f}[/]"
    )
    marks = {
        round((high - 100) / ((high - low) or 1) * (_CHART_HEIGHT - 1)): 100.0,
        0: high,
        _CHART_HEIGHT - 1: low,
    }
    for line, (behind, before) in enumerate(zip(lower, upper, strict=True)):
        drawn = Styled(f"{marks[line]:8.1f} " if line in marks else " " * 9)
        for back, front in zip(behind, before, strict=True):
            drawn.append(front if front != " " else back, style="cyan" if front != " " else "yellow")
        out.print(drawn, no_wrap=True, crop=True)
    first, last = shown_day(rows[0].slot)[:10], shown_day(rows[-1].slot)[:10]
    out.print(f"{'':9}{first}{last:>{width - len(first)}}")


def _print_figures(out: Console, report: Report, result: Result, text: Text) -> None:
    told = report.statistics
    rows = [
        ("report.figure.return", coloured(percent(result.time_weighted), result.time_weighted)),
        ("report.figure.bitcoin", percent(result.bitcoin)),
        ("report.figure.equity", f"{won(result.start)} -> {won(result.end)} KRW"),
        ("report.figure.drawdown", percent(-result.drawdown)),
        ("report.figure.worst", f"{percent(result.worst_trade)} {safe(result.worst_position or '')}"),
        ("report.figure.trades", text("report.trades", count=told.count, wins=told.wins, losses=told.losses)),
        ("report.figure.winrate", percent(told.win_rate, 1).lstrip("+")),
        ("report.figure.factor", "-" if told.profit_factor is None else f"{told.profit_factor:.2f}"),
        ("report.figure.fees", f"{won(result.fees)} KRW"),
        ("report.figure.gate", text("report.gate", open=report.gate_open_days, shut=report.gate_shut_days)),
        ("report.figure.runs", text("report.runs", **_runs(report))),
    ]
    out.print(table([("", "left"), ("", "left")], [(text(key), value) for key, value in rows]))


def _runs(report: Report) -> dict[str, int]:
    return {"done": report.runs.get("done", 0), "missed": report.runs.get("missed", 0)}


def _print_trades(out: Console, report: Report, text: Text) -> None:
    columns = [("market", "left"), ("opened", "left"), ("closed", "left"), ("days", "right"), ("entry", "right")]
    columns += [("exit", "right"), ("gain", "right"), ("pnl", "right"), ("reason", "left")]
    rows: list[tuple[object, ...]] = [
        (
            safe(trade.market),
            shown_day(trade.opened)[2:10],
            shown_day(trade.closed)[2 : 10 if out.width < _NARROW else 16],
            trade.holding_days,
            price(trade.entry),
            price(trade.exit),
            coloured(percent(trade.gain), trade.gain),
            won(trade.pnl),
            ", ".join(text(f"exit.{kind}") for kind in trade.exits),
        )
        for trade in report.trades
    ]
    columns, rows = _fitting(out, columns, rows, ("opened", "pnl"))
    _section(out, text("report.section.trades", count=len(report.trades)), columns, rows, text)


def _print_open(out: Console, report: Report, text: Text) -> None:
    columns = [("market", "left"), ("opened", "left"), ("entry", "right"), ("mark", "right"), ("gain", "right")]
    columns += [("value", "right"), ("stop", "right"), ("kind", "left")]
    rows: list[tuple[object, ...]] = [
        (
            safe(each.market),
            shown_day(each.opened)[2:10],
            price(each.entry),
            price(each.mark),
            coloured(percent(each.gain), each.gain),
            won(each.value),
            price(each.stop),
            text(f"exit.{each.stop_kind}"),
        )
        for each in report.open_positions
    ]
    columns, rows = _fitting(out, columns, rows, ("opened", "value"))
    _section(out, text("report.section.open", count=len(report.open_positions)), columns, rows, text)


def _print_exits(out: Console, report: Report, text: Text) -> None:
    rows = [(text(f"exit.{kind}"), many or "-") for kind, many in report.exits.items()]
    _section(out, text("report.section.exits"), [("rule", "left"), ("times", "right")], rows, text)


def _print_refusals(out: Console, report: Report, text: Text) -> None:
    """Passed over every day (universe, stage, no breakout) apart from signals that were refused."""
    spoke = [(kind, many) for kind, many in report.refusals.items() if many]
    columns = [("rule", "left"), ("times", "right"), ("meaning", "left")]
    _section(
        out,
        text("report.section.passed"),
        columns,
        [_refusal(text, each) for each in spoke if each[0] not in SIGNAL_REFUSALS],
        text,
    )
    _section(
        out,
        text("report.section.refused"),
        columns,
        [_refusal(text, each) for each in spoke if each[0] in SIGNAL_REFUSALS],
        text,
    )
    never = ", ".join(str(kind) for kind, many in report.refusals.items() if not many)
    if never:
        out.print(text("report.never", kinds=never), style="dim")
    shown = report.signals[-_SIGNALS_SHOWN:]
    rows = [(shown_day(each.slot), safe(each.market), text(f"refusal.{each.refusal}")) for each in shown]
    title = text("report.section.signals", shown=len(shown), count=len(report.signals))
    _section(out, title, [("slot", "left"), ("market", "left"), ("reason", "left")], rows, text)


def _refusal(text: Text, each: tuple[Refusal, int]) -> tuple[object, ...]:
    kind, many = each
    mark = "*" if kind in UNIVERSE_REFUSALS else ""
    return (f"{kind}{mark}", f"{many:,}", text(f"refusal.{kind}"))


def _print_warnings(out: Console, report: Report, text: Text) -> None:
    for identifier in report.unsettled:
        out.print(f"[red]{text('report.unsettled', order=identifier)}[/]")
    for alarm, many in report.alarms.items():
        out.print(f"[red]{text('report.alarm', alarm=safe(alarm), count=many)}[/]")
    for flaw in report.flaws:
        out.print(f"[red]{safe(flaw)}[/]")
    if not (report.unsettled or report.alarms or report.flaws):
        out.print(f"\n[green]{text('report.sound')}[/]")


def _fitting(
    out: Console, columns: list[tuple[str, str]], rows: list[tuple[object, ...]], spare: tuple[str, ...]
) -> tuple[list[tuple[str, str]], list[tuple[object, ...]]]:
    """All columns, or on a narrow terminal those that are not `spare`."""
    kept = [at for at, (name, _) in enumerate(columns) if out.width >= _NARROW or name not in spare]
    return [columns[at] for at in kept], [tuple(row[at] for at in kept) for row in rows]


def _section(
    out: Console, title: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[object]], text: Text
) -> None:
    out.print(f"\n[bold]{title}[/]")
    if not rows:
        out.print(text("report.none"), style="dim")
        return
    out.print(table([(text(f"column.{name}"), side) for name, side in columns], rows))
