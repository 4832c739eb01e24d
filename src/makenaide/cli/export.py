"""`export trades`: the fills of a calendar year for a tax adviser, as CSV, as JSON, or on the terminal."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from makenaide.catalogue import Text
from makenaide.cli.chosen import stored
from makenaide.cli.door import environment
from makenaide.cli.files import write_whole
from makenaide.cli.output import console, price, print_json, safe, table, won
from makenaide.cli.sheet import Cell, sheet
from makenaide.domain.clock import kst
from makenaide.domain.errors import Misconfigured
from makenaide.domain.money import plain
from makenaide.domain.order import Side
from makenaide.ledger.tax import TaxKind, TaxRow, TaxTotals, tax_rows, totals_by_kind
from makenaide.store.accounts import Account
from makenaide.store.journal import all_fills

_FIRST_YEAR = 2017
"""Upbit opened in October 2017."""

_LAST_YEAR = 9998


def export_trades(asked: Mapping[str, Any], year: str, *, csv: str | None, as_json: bool) -> None:
    """Write the year's fills. `csv` is a file or "-"; its method and totals go beside it, or to stderr."""
    if csv == "-" and as_json:
        raise Misconfigured("--csv -: cannot be combined with --json, both would be written to stdout")
    chosen = calendar_year(year)
    env, text = environment()
    with stored(env, asked) as (_, db, account), db.snapshot():
        fills = [(each.position_id, each.fill) for each in all_fills(db, account.account_id)]
    rows = tax_rows(chosen, fills)
    notes = method_notes(account, chosen, totals_by_kind(rows), text)
    if not rows and fills:
        years = sorted({f"{kst(fill.at):%Y}" for _, fill in fills})
        notes.append(text("tax.empty", year=chosen, years=", ".join(years)))
    if csv is not None:
        _write(csv, sheet(*trade_sheet(rows, text)), notes, text)
    if as_json:
        print_json(trades_data(account, chosen, rows, text))
    elif csv is None:
        _print(rows, notes, text)
    sys.stdout.flush()


def calendar_year(text: str) -> int:
    """`text` as a year; `Misconfigured`, naming what was expected, otherwise."""
    if not re.fullmatch(r"[0-9]{4}", text) or not _FIRST_YEAR <= int(text) <= _LAST_YEAR:
        raise Misconfigured(
            f"--year: expected a calendar year of four digits, {_FIRST_YEAR} or later, such as 2026, got {text!r}"
        )
    return int(text)


def trade_sheet(rows: Sequence[TaxRow], text: Text) -> tuple[list[str], list[list[Cell]]]:
    """Columns and rows of the CSV: numbers as numbers, times on Korean clocks, the method in the last column."""
    columns = [
        text("tax.time"),
        text("tax.market"),
        text("tax.side"),
        text("tax.kind"),
        text("tax.volume"),
        text("tax.price"),
        text("tax.funds"),
        text("tax.fee"),
        text("tax.cost"),
        text("tax.profit"),
        text("tax.order"),
        text("tax.trade"),
        text("tax.position"),
        text("tax.method"),
    ]
    return columns, [_cells(row, text) for row in rows]


def _cells(row: TaxRow, text: Text) -> list[Cell]:
    fill = row.fill
    return [
        f"{kst(fill.at):%Y-%m-%d %H:%M:%S}",
        fill.market,
        _side(fill.side, text),
        text(f"taxkind.{row.kind}"),
        fill.volume.value,
        fill.price.value,
        fill.funds.value,
        fill.fee.value,
        None if row.cost is None else row.cost.value,
        None if row.profit is None else row.profit.value,
        fill.identifier,
        fill.trade_uuid,
        row.position,
        text("tax.method_name"),
    ]


def _side(side: Side, text: Text) -> str:
    return text("tax.buy") if side is Side.BID else text("tax.sale")


def method_notes(account: Account, year: int, totals: Mapping[TaxKind, TaxTotals], text: Text) -> list[str]:
    """What belongs to the rows: whose they are, their totals, how they were made, and what they do not say."""
    sums = [line for kind, each in totals.items() for line in _totals_told(kind, each, text)]
    return [
        text("tax.title", account=account.account_id, venue=account.venue, mode=account.mode, year=year),
        *sums,
        *_method(text),
        *([text("tax.paper")] if account.mode == "paper" else []),
    ]


def _totals_told(kind: TaxKind, totals: TaxTotals, text: Text) -> list[str]:
    told = {name: plain(getattr(value, "value", value)) for name, value in _flat(totals).items()}
    return [
        text("tax.of_kind", kind=text(f"taxkind.{kind}")),
        text("tax.bought", count=told["buys"], funds=told["bought"], fees=told["buying_fees"]),
        text("tax.sold", count=told["sales"], funds=told["sold"], fees=told["selling_fees"]),
        text("tax.result", cost=told["cost"], profit=told["profit"]),
    ]


def _method(text: Text) -> list[str]:
    return [text("tax.how"), text("tax.scope"), text("tax.law")]


def _flat(totals: TaxTotals) -> dict[str, Any]:
    return {name: getattr(totals, name) for name in asdict(totals)}


def trades_data(account: Account, year: int, rows: Sequence[TaxRow], text: Text) -> dict[str, Any]:
    """The export as JSON: rows, totals (of what Makenaide traded, and of every kind) and method."""
    totals = {kind: _plain_totals(each) for kind, each in totals_by_kind(rows).items()}
    return {
        "account": account.account_id,
        "venue": account.venue,
        "mode": account.mode,
        "year": year,
        "zone": "Asia/Seoul",
        "method": {"name": "moving average with fees, by position", "notes": _method(text)},
        "totals": totals[TaxKind.TRADE],
        "totals_by_kind": {str(kind): each for kind, each in totals.items()},
        "trades": [_row_data(row) for row in rows],
    }


def _plain_totals(totals: TaxTotals) -> dict[str, Any]:
    return {name: getattr(value, "value", value) for name, value in _flat(totals).items()}


def _row_data(row: TaxRow) -> dict[str, Any]:
    fill = row.fill
    return {
        "at": kst(fill.at).isoformat(),
        "market": fill.market,
        "side": str(fill.side),
        "kind": str(row.kind),
        "volume": fill.volume.value,
        "price": fill.price.value,
        "funds": fill.funds.value,
        "fee": fill.fee.value,
        "cost": None if row.cost is None else row.cost.value,
        "profit": None if row.profit is None else row.profit.value,
        "order": fill.identifier,
        "trade": fill.trade_uuid,
        "position": row.position,
    }


def _write(csv: str, content: bytes, notes: Sequence[str], text: Text) -> None:
    err = console(error=True)
    file = Path(csv)
    if csv == "-":
        sys.stdout.buffer.write(content)
    else:
        write_whole(file, content)
    if csv == "-" or not file.is_file():  # a pipe or a device has no place beside it
        for note in notes:
            err.print(safe(note), soft_wrap=True)
        return
    beside = file.with_name(f"{file.stem}.method.txt")
    write_whole(beside, ("\r\n".join(notes) + "\r\n").encode("utf-8-sig"))
    err.print(text("tax.written", file=safe(file), beside=safe(beside)), soft_wrap=True)


def _print(rows: Sequence[TaxRow], notes: Sequence[str], text: Text) -> None:
    out = console()
    columns = [
        (text("tax.time"), "left"),
        (text("tax.market"), "left"),
        (text("tax.side"), "left"),
        (text("tax.kind"), "left"),
        (text("tax.volume"), "right"),
        (text("tax.price"), "right"),
        (text("tax.funds"), "right"),
        (text("tax.fee"), "right"),
        (text("tax.cost"), "right"),
        (text("tax.profit"), "right"),
    ]
    if rows:
        out.print(table(columns, [_shown(row, text) for row in rows]))
    for note in notes:
        out.print(safe(note))


def _shown(row: TaxRow, text: Text) -> list[str]:
    fill = row.fill
    when, side = f"{kst(fill.at):%Y-%m-%d %H:%M}", _side(fill.side, text)
    amounts = (won(each) for each in (fill.funds, fill.fee, row.cost, row.profit))
    kind = text(f"taxkind.{row.kind}")
    return [when, safe(fill.market), side, kind, str(fill.volume), price(fill.price), *amounts]
