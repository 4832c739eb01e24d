"""Runs, their steps, decisions, the market gate, the equity of each slot, and the audit trail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from makenaide.domain.market import Market
from makenaide.domain.money import Krw
from makenaide.domain.reason import Refusal
from makenaide.store.db import Database, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One scheduled slot of one account; `steps` are the names of the steps that are done."""

    run_id: int
    account_id: str
    slot: datetime
    status: str
    steps: Mapping[str, Mapping[str, Any]]


def open_run(db: Database, account_id: str, slot: datetime, at: datetime) -> Run:
    """The run of `slot`, new or resumed: a second call finds the first one's row and steps."""
    with db.transaction():
        db.do("run_open", account_id=account_id, slot=slot, at=at)
        row = db.row("run_get", account_id=account_id, slot=slot)
        assert row is not None  # noqa: S101 - inserted above or before
        steps = {step.step: step.detail for step in db.rows("step_all", run_id=row.run_id)}
    return Run(run_id=row.run_id, account_id=account_id, slot=slot, status=row.status, steps=steps)


def latest_run(db: Database, account_id: str) -> Row | None:
    """The newest run row: run_id, slot, status, started_at, finished_at."""
    return db.row("run_latest", account_id=account_id)


def mark_missed(db: Database, account_id: str, slot: datetime, at: datetime) -> None:
    """Record that `slot` passed while nobody ran (M7: one row a slot, also a missed one)."""
    with db.transaction():
        db.do("run_missed", account_id=account_id, slot=slot, at=at)


def finish_step(db: Database, run: Run, step: str, at: datetime, detail: Mapping[str, Any]) -> None:
    """Checkpoint `step`; call it in the transaction of the step's own writes."""
    db.do("step_done", run_id=run.run_id, step=step, at=at, detail=dict(detail))


def latest_step(db: Database, account_id: str, step: str) -> Mapping[str, Any] | None:
    """The detail of the newest checkpoint of `step`, whichever slot it was in; None before the first."""
    row = db.row("step_latest", account_id=account_id, step=step)
    return None if row is None else row.detail


def finish_run(db: Database, run: Run, at: datetime) -> None:
    """Close the run."""
    db.do("run_finish", run_id=run.run_id, at=at)


def put_decisions(
    db: Database, run: Run, decisions: Sequence[tuple[Market, Refusal | None, Mapping[str, Any]]]
) -> None:
    """Store one row a market: the refusal (None = a buy) and the inputs behind it."""
    rows = [
        {
            "run_id": run.run_id,
            "account_id": run.account_id,
            "slot": run.slot,
            "market": market,
            "refusal": refusal,
            "evidence": evidence,
        }
        for market, refusal, evidence in decisions
    ]
    db.do_many("decision_put", rows)


def decisions_of(db: Database, run: Run) -> dict[Market, Row]:
    """The stored decisions of a run by market: decision_id, market, refusal, evidence."""
    return {Market(row.market): row for row in db.rows("decision_of_run", run_id=run.run_id)}


def put_gate(db: Database, run: Run, gate: Mapping[str, Any], evidence: Mapping[str, Any]) -> None:
    """Store the market gate of the slot: open, reason; and its inputs."""
    db.do(
        "gate_put",
        account_id=run.account_id,
        slot=run.slot,
        open=gate["open"],
        reason=gate["reason"],
        evidence=dict(evidence),
    )


def latest_gate(db: Database, account_id: str, slot: datetime) -> Row | None:
    """The newest gate at or before `slot`: slot, open, reason, evidence."""
    return db.row("gate_latest", account_id=account_id, slot=slot)


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityRow:
    """What the account was worth in a slot, in KRW.

    `valued_at` is the moment of the valuation, some seconds after the slot; `flow` is money that came in (or went
    out) since the valuation before.
    """

    slot: datetime
    valued_at: datetime
    equity: Krw
    cash: Krw
    flow: Krw
    bitcoin: Decimal | None


def put_equity(db: Database, account_id: str, row: EquityRow, marks: Mapping[str, Any]) -> None:
    """Store the slot's equity and the prices it was marked with."""
    db.do(
        "equity_put",
        account_id=account_id,
        slot=row.slot,
        valued_at=row.valued_at,
        equity=row.equity.value,
        cash=row.cash.value,
        flow=row.flow.value,
        bitcoin=row.bitcoin,
        marks=dict(marks),
    )


def equity_rows(db: Database, account_id: str) -> tuple[EquityRow, ...]:
    """Every slot's equity, ascending."""
    return tuple(
        EquityRow(
            slot=row.slot,
            valued_at=row.valued_at,
            equity=Krw(row.equity),
            cash=Krw(row.cash),
            flow=Krw(row.flow),
            bitcoin=row.bitcoin,
        )
        for row in db.rows("equity_all", account_id=account_id)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what; `account_id` None when it concerns the whole installation."""

    account_id: str | None
    at: datetime
    actor: str
    action: str
    detail: Mapping[str, Any]


def put_audit(db: Database, entry: AuditEntry) -> None:
    """Append to the audit trail (P3)."""
    db.do(
        "audit_put",
        account_id=entry.account_id,
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        detail=dict(entry.detail),
    )
