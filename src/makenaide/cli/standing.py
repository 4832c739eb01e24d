"""Where the account used last stands, from stored rows alone: what `status` shows."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from makenaide.app.clock import boot_seconds
from makenaide.app.database import Store
from makenaide.app.guardpost import Post, Watch
from makenaide.app.halted import halt_file
from makenaide.catalogue import Text
from makenaide.cli.output import console, price, print_json, safe, table, won
from makenaide.domain.clock import kst
from makenaide.execution.portfolio import open_positions
from makenaide.monitoring.channels import TERMINAL, TerminalChannel
from makenaide.monitoring.delivery import deliver, owes
from makenaide.store.accounts import Account, latest_account
from makenaide.store.db import Database, Role
from makenaide.store.journal import flaws
from makenaide.store.orders import unsettled_orders
from makenaide.store.reconciliation import lots, open_findings
from makenaide.store.runs import latest_run
from makenaide.store.wishes import paused_markets


def tell_halt(home: Path, text: Text) -> None:
    """Say that buying is halted in the data folder `home`, if it is."""
    halt = halt_file(home).halt()
    if halt is not None:
        console().print(f"[bold red]{text('halt.status', halt=safe(halt))}[/]")
        sys.stdout.flush()


def show_standing(store: Store, home: Path, text: Text, *, as_json: bool) -> None:
    """Print where the account used last stands; a data folder without an account says how to get one.

    On a terminal also the messages that no terminal has shown yet.
    """
    with store.open(Role.READER) as db:
        account = latest_account(db)
        owed = not as_json and sys.stdout.isatty() and owes(db, TERMINAL, datetime.now(UTC))
        data = None if account is None else _status(db, account) | {"guard": _guard(home, account)}
    if as_json:
        halt = halt_file(home).halt()
        told = None if halt is None else {"reason": halt.reason, "by": halt.by, "at": halt.at}
        print_json({"halt": told, "account": data, "home": str(home), "database": store.location})
        return
    out = console()
    if data is None:
        out.print(text("status.none"))
    else:
        _print(data, text)
    out.print(text("run.where", home=safe(home), database=safe(store.location)), soft_wrap=True)
    if owed:
        out.print(f"[bold]{text('status.messages')}[/]")
        with store.open(Role.WRITER) as db:
            deliver(db, [TerminalChannel(stream=sys.stdout)], datetime.now(UTC))


def _status(db: Database, account: Account) -> dict[str, Any]:
    run = latest_run(db, account.account_id)
    equity = db.row("equity_latest", account_id=account.account_id)
    locked = db.row("account_locked", account_id=account.account_id)
    return {
        "id": account.account_id,
        "venue": account.venue,
        "mode": account.mode,
        "running": bool(locked and locked.locked),
        "last_slot": None if run is None else kst(run.slot).isoformat(),
        "last_run": None if run is None else run.status,
        "ends": None if account.last_slot is None else kst(account.last_slot).isoformat(),
        "finished": bool(run and run.status == "done" and account.last_slot and run.slot >= account.last_slot),
        "equity": None if equity is None else equity.equity,
        "cash": None if equity is None else equity.cash,
        "positions": [
            {
                "position": each.position_id,
                "market": each.market,
                "quantity": each.facts.quantity.value,
                "entry": round(each.facts.entry.value, 8),
                "stop": each.stop.price.value,
                "stop_kind": str(each.stop.kind),
                "high_water": each.stop.high_water.value,
            }
            for each in open_positions(db, account.account_id)
        ],
        "persons_coins": {
            currency: lot.quantity for currency, lot in sorted(lots(db, account.account_id).items())
        },
        "paused_markets": sorted(paused_markets(db, account.account_id)),
        "findings": [
            f"{each.finding_id}: {each.kind} {each.subject}" for each in open_findings(db, account.account_id)
        ],
        "unsettled_orders": [order.identifier for order in unsettled_orders(db, account.account_id)],
        "flaws": list(flaws(db, account.account_id)),
    }


def _guard(home: Path, account: Account) -> dict[str, Any] | None:
    """How the account's guard stands, by its files; None when none is on duty, as in every stepped run."""
    standing = Post(home / "accounts" / account.account_id).standing(boot_seconds())
    if standing.watch is Watch.NONE:
        return None
    return {
        "state": str(standing.watch),
        "process": standing.pid,
        "since": None if standing.since is None else kst(standing.since).isoformat(timespec="seconds"),
        "seconds": None if standing.seconds is None else round(standing.seconds, 1),
    }


def _guard_text(guard: dict[str, Any], text: Text) -> str:
    if guard["state"] == Watch.WATCHING:
        return text("guard.watching", seconds=guard["seconds"])
    return f"[red]{text('guard.silent', since=guard['since'] or '-')}[/]"


def _print(data: dict[str, Any], text: Text) -> None:
    out = console()
    state = "running" if data["running"] else "finished" if data["finished"] else "stopped"
    rows = [
        (text("status.account"), f"{data['id']} ({data['venue']}, {data['mode']})"),
        (text("status.state"), text(f"status.{state}")),
        (text("status.last"), f"{data['last_slot'] or '-'} {data['last_run'] or ''}"),
        (text("status.ends"), data["ends"] or text("status.never")),
        (text("status.equity"), f"{won(data['equity'])} KRW"),
        (text("status.cash"), f"{won(data['cash'])} KRW"),
    ]
    if data["guard"] is not None:
        rows.append((text("guard.label"), _guard_text(data["guard"], text)))
    out.print(table([("", "left"), ("", "left")], rows))
    columns = [("market", "left"), ("quantity", "right"), ("entry", "right"), ("stop", "right"), ("kind", "left")]
    held = [
        (p["market"], p["quantity"], price(p["entry"]), price(p["stop"]), text(f"exit.{p['stop_kind']}"))
        for p in data["positions"]
    ]
    if held:
        out.print(table([(text(f"column.{name}"), side) for name, side in columns], held))
    else:
        out.print(text("status.flat"), style="dim")
    if data["persons_coins"]:
        coins = ", ".join(f"{quantity} {currency}" for currency, quantity in data["persons_coins"].items())
        out.print(text("status.persons", coins=safe(coins)))
    if data["paused_markets"]:
        out.print(text("wish.paused", markets=safe(", ".join(data["paused_markets"]))))
    for each in (*data["findings"], *data["unsettled_orders"], *data["flaws"]):
        out.print(f"[red]{safe(each)}[/]")
