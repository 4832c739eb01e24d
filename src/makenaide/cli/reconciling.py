"""`reconcile`: what the venue shows against the books, the findings, and a person's decision about them."""

from collections.abc import Mapping, Sequence
from typing import Any

from makenaide.app.person import person
from makenaide.catalogue import Text
from makenaide.cli.chosen import acting
from makenaide.cli.output import console, print_json, safe, table
from makenaide.domain.clock import kst
from makenaide.domain.errors import Inconsistent, Unavailable
from makenaide.domain.market import Market
from makenaide.domain.money import Price, plain
from makenaide.execution.adopt import price_now
from makenaide.execution.reconcile import Reconciliation
from makenaide.execution.reconcile.facts import Dust, Explained, Same, Unknown, Verdict
from makenaide.execution.reconcile.resolve import Resolver, Said
from makenaide.pipeline.interlude import compared
from makenaide.pipeline.session import Session
from makenaide.store.reconciliation import Decision, lots


def actor() -> str:
    """Who types: the login's name, for the audit trail."""
    return person()


def reconcile_account(asked: Mapping[str, Any], decided: tuple[Sequence[int], str, str], *, as_json: bool) -> None:
    """Settle, look, compare and tell; first carry out what a person decided (numbers, what it was, a note).

    `Inconsistent` (exit code 12) when something is unknown, `Unavailable` (11) when it could not be looked at.
    """
    numbers, how, note = decided
    with acting(asked) as (session, text):
        said = Said(how=Decision(how), note=note, actor=actor())
        resolver = Resolver(
            desk=session.desk,
            account=session.account,
            bid=lambda market: _bid(session, market),
            take_in=session.keeper.take_in,
        )
        resolver.require(numbers, said.how)  # all of them, before anything is booked
        resolved = {number: dict(resolver.resolve(number, said)) for number in numbers}
        state = compared(session)
        data = report(session, state) | {"resolved": resolved}
    if as_json:
        print_json(data)
    else:
        _print(data, text)
    if state.comparison.equal is None:
        raise Unavailable("\n  ".join(state.comparison.differences))
    if state.comparison.equal is False or state.findings:
        raise Inconsistent("\n  ".join([*state.comparison.differences, *_headlines(state)]))


def _bid(session: Session, market: Market) -> Price | None:
    return price_now(session.venue, market)


def _headlines(state: Reconciliation) -> list[str]:
    return [f"finding {each.finding_id}: {each.kind} {each.subject}" for each in state.findings]


def report(session: Session, state: Reconciliation) -> dict[str, Any]:
    """Everything that reconciling showed, as plain values."""
    found = state.comparison
    return {
        "equal": found.equal,
        "differences": list(found.differences),
        "books": found.books,
        "persons_lots": {
            currency: {"quantity": lot.quantity, "cost": lot.cost}
            for currency, lot in lots(session.db, session.account.account_id).items()
        },
        "account_open": state.account_open,
        "unsettled_markets": sorted(state.closed_markets),
        "verdicts": [_told(each) for each in state.verdicts],
        "findings": [
            {
                "id": each.finding_id,
                "kind": str(each.kind),
                "subject": each.subject,
                "market": each.market,
                "opened_at": kst(each.opened_at).isoformat(),
                "evidence": dict(each.evidence),
            }
            for each in state.findings
        ],
    }


def _told(verdict: Verdict) -> dict[str, Any]:
    match verdict:
        case Same():
            return {"verdict": "same", "what": verdict.currency, "detail": ""}
        case Explained():
            event = verdict.event
            return {"verdict": "explained", "what": event.source, "detail": str(verdict.cause)}
        case Dust():
            return {
                "verdict": "explained",
                "what": verdict.currency,
                "detail": f"dust {plain(verdict.lines[0].amount)}",
            }
        case Unknown():
            return {"verdict": "unknown", "what": verdict.subject, "detail": str(verdict)}


_COLOURS = {"same": "green", "explained": "yellow", "unknown": "red"}


def _print(data: dict[str, Any], text: Text) -> None:
    out = console()
    rows = [
        (
            f"[{_COLOURS[kind]}]{text(f'reconcile.{kind}')}[/]",
            safe(each["what"]),
            safe(each["detail"]),
        )
        for each in data["verdicts"]
        for kind in (each["verdict"],)
    ]
    if rows:
        columns = [(text("reconcile.verdict"), "left"), (text("reconcile.what"), "left"), ("", "left")]
        out.print(table(columns, rows))
    findings = [
        (str(each["id"]), safe(each["subject"]), safe(each["market"] or "-"), safe(_evidence(each["evidence"])))
        for each in data["findings"]
    ]
    if findings:
        columns = [("ID", "left"), (text("reconcile.what"), "left"), (text("column.market"), "left"), ("", "left")]
        out.print(table(columns, findings, title=text("reconcile.findings")))
        out.print(text("reconcile.how"))
    elif data["equal"]:
        out.print(f"[green]{text('reconcile.equal', count=len(data['books']))}[/]")


def _evidence(evidence: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in evidence.items())
