"""`sell`, `adopt`, `pause`, `resume`: what a person wants done, by whoever holds the account, or here and now."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from makenaide.app.clock import StopFlag, WallClock
from makenaide.app.database import open_store
from makenaide.app.identity import mode_of, named
from makenaide.app.live import admitted
from makenaide.app.logs import log_to
from makenaide.app.trader import open_session
from makenaide.app.wanted import stored_account
from makenaide.catalogue import Text
from makenaide.cli.chosen import chosen, wanted
from makenaide.cli.door import environment
from makenaide.cli.output import console, print_json, safe, table
from makenaide.cli.reconciling import actor
from makenaide.domain.errors import Inconsistent, InUse, MakenaideError, Misconfigured, Unavailable
from makenaide.domain.market import Market, base_of, market
from makenaide.domain.money import plain
from makenaide.environment import Environment
from makenaide.execution.adopt import require_percent
from makenaide.execution.portfolio import open_positions
from makenaide.execution.wishes import Clerk
from makenaide.ledger.lots import Lot
from makenaide.pipeline.session import Session
from makenaide.store.accounts import Account
from makenaide.store.db import Database, Role
from makenaide.store.reconciliation import lots
from makenaide.store.runs import AuditEntry, put_audit
from makenaide.store.wishes import Outcome, open_wishes, outcome_of, paused_markets, put_pause, put_wish

What = tuple[str, Market, Mapping[str, Any]]
"""A wish: its kind, its market, and what belongs to it."""

_POLL = 0.2
"""Seconds between looks whether the running trader has dealt with a wish."""


def sell(asked: Mapping[str, Any], codes: Sequence[str], *, wait: float, as_json: bool) -> None:
    """Sell all of ours in these markets (none named: in all), through the sequence of all exits."""
    meant = {market(code) for code in codes}
    env, text = environment()
    log_to(env.home, uuid4().hex[:12])
    with open_store(env, prepare=True, mode=mode_of(env.config, asked)) as store, store.open(Role.WRITER) as db:
        account = _account(env, db, asked)
        held: dict[Market, list[str]] = {}
        for each in open_positions(db, account.account_id):
            if not meant or each.market in meant:
                held.setdefault(each.market, []).append(each.position_id)
        if meant - held.keys():
            raise Misconfigured(f"nothing of the system's is held in {', '.join(sorted(meant - held.keys()))}")
        wishes: list[What] = [("sell", code, {"positions": keys}) for code, keys in sorted(held.items())]
        outcomes = _carried_out(env, db, asked, (account, wishes, wait))
    _tell("sell", outcomes, text, as_json=as_json)


def adopt(asked: Mapping[str, Any], code: str, stop: Decimal, *, wait: float, as_json: bool) -> None:
    """Take over the person's coins of a market as a position, with a stop that many percent below the bid."""
    meant = market(code)
    env, text = environment()
    require_percent(stop, env.config.risk)
    log_to(env.home, uuid4().hex[:12])
    with open_store(env, prepare=True, mode=mode_of(env.config, asked)) as store, store.open(Role.WRITER) as db:
        account = _account(env, db, asked)
        lot = lots(db, account.account_id).get(base_of(meant), Lot())
        what: What = ("adopt", meant, {"stop": str(stop), "quantity": plain(lot.quantity)})
        outcomes = _carried_out(env, db, asked, (account, [what], wait))
    _tell("adopt", outcomes, text, as_json=as_json)


def percent(stop: str) -> Decimal:
    """`--stop` as a number; `Misconfigured` when it is none."""
    try:
        number = Decimal(stop.strip().removesuffix("%"))
    except ArithmeticError:
        raise Misconfigured(f"--stop: expected percent such as 7, got {stop!r}") from None
    if not number.is_finite():
        raise Misconfigured(f"--stop: expected percent such as 7, got {stop!r}")
    return number


def pause(asked: Mapping[str, Any], code: str, *, paused: bool, as_json: bool) -> None:
    """No buys in a market from now on, or buys again: at once, whether or not the trader runs."""
    meant = market(code)
    env, text = environment()
    with open_store(env, prepare=True, mode=mode_of(env.config, asked)) as store, store.open(Role.WRITER) as db:
        account = _account(env, db, asked)
        at = WallClock(StopFlag()).now()
        with db.transaction():
            put_pause(db, account.account_id, (meant, paused), actor(), at)
            action = "market.pause" if paused else "market.resume"
            entry = AuditEntry(
                account_id=account.account_id, at=at, actor=actor(), action=action, detail={"market": meant}
            )
            put_audit(db, entry)
        now = sorted(paused_markets(db, account.account_id))
    if as_json:
        print_json({"market": meant, "paused": paused, "paused_markets": now})
    else:
        console().print(text("wish.paused", markets=", ".join(now) or text("report.none")))


def _account(env: Environment, db: Database, asked: Mapping[str, Any]) -> Account:
    return stored_account(db, wanted(env, asked) if named(asked) else None)


def _carried_out(
    env: Environment, db: Database, asked: Mapping[str, Any], what: tuple[Account, Sequence[What], float]
) -> dict[int, Outcome | None]:
    """Carry the wishes out here; or, while another process holds the account, wait until that one has.

    A wish is stored only when there is somebody to carry it out: the one who holds the account, or this process. What
    this process could not do is ended: nothing is left armed behind a person's back.
    """
    account, wishes, wait = what
    if not wishes:
        return {}
    clock = WallClock(StopFlag())
    deadline = clock.now().timestamp() + wait
    made: list[int] = []
    while True:
        outcomes = {wish: outcome_of(db, wish) for wish in made}
        if made and (clock.now().timestamp() >= deadline or all(each is not None for each in outcomes.values())):
            return outcomes
        try:
            with _opened(env, db, asked, (account, wishes)) as session:
                made = made or make(db, account, wishes, clock.now())
                serve_now(session, made)
        except InUse:
            made = made or make(db, account, wishes, clock.now())  # its holder looks for wishes every few seconds
        else:
            return {wish: outcome_of(db, wish) for wish in made}
        clock.sleep(_POLL)


@contextmanager
def _opened(
    env: Environment, db: Database, asked: Mapping[str, Any], about: tuple[Account, Sequence[What]]
) -> Iterator[Session]:
    """The account, open to carry the wishes out; to sell, whatever forbids buying."""
    account, wishes = about
    leaving = all(kind == "sell" for kind, _, _ in wishes)
    ready = admitted(env, db, chosen(env, db, asked), leaving=leaving)
    with open_session(env, db, ready, StopFlag(), only_look=True) as session:
        if session.account.account_id != account.account_id:
            raise Inconsistent(f"account {account.account_id} was meant")
        yield session


def make(db: Database, account: Account, wishes: Sequence[What], at: datetime) -> list[int]:
    """Store the wishes, each with its audit row."""
    numbers = []
    with db.transaction():
        for kind, code, detail in wishes:
            number = put_wish(db, account.account_id, (kind, code, detail), actor())
            told = {"wish": number, "kind": kind, "market": code, **detail}
            entry = AuditEntry(
                account_id=account.account_id, at=at, actor=actor(), action="wish.made", detail=told
            )
            put_audit(db, entry)
            numbers.append(number)
    return numbers


def serve_now(session: Session, made: Sequence[int]) -> None:
    """Carry out every open wish; those of `made` that could not be are ended."""
    try:
        session.keeper.take_in()
        _clerk(session).serve()
    except MakenaideError as cause:
        with suppress(MakenaideError):
            _give_up(session, made, str(cause))
        raise
    _give_up(session, made, "the venue does not answer, or an order is not at its end: wish it again")


def _give_up(session: Session, made: Sequence[int], cause: str) -> None:
    for wish in open_wishes(session.db, session.account.account_id):
        if wish.wish_id in made:
            _clerk(session).give_up(wish, cause, unavailable=True)


def _clerk(session: Session) -> Clerk:
    return Clerk(desk=session.desk, account=session.account, quotes=session.venue, risk=session.risk)


def _tell(kind: str, outcomes: Mapping[int, Outcome | None], text: Text, *, as_json: bool) -> None:
    """What became of the wishes; `Unavailable` when one still waits, `Inconsistent` when one was not carried out."""
    data = [
        {"wish": number, "done": None if each is None else each.done, **({} if each is None else each.detail)}
        for number, each in outcomes.items()
    ]
    if as_json:
        print_json({"wishes": data})
    else:
        _print(kind, data, text)
    if any(each["done"] is None for each in data):
        raise Unavailable("the running trader has not done it yet: it will at its next look")
    refused = [str(each["cause"]) for each in data if each.get("unavailable")]
    if refused:
        raise Unavailable("; ".join(refused))
    if any(each["done"] is False for each in data):
        raise Inconsistent("; ".join(str(each.get("cause") or each) for each in data if not each["done"]))


def _print(kind: str, data: Sequence[Mapping[str, Any]], text: Text) -> None:
    out = console()
    if not data:
        out.print(text("wish.nothing"))
    if kind == "adopt":
        for each in data:
            if each["done"]:
                out.print(text("wish.adopted", **{name: safe(each[name]) for name in _ADOPTED}))
        return
    rows = [
        (safe(part["position"]), safe(part["sold"]), safe(part["won"]), safe(part["left"]), safe(part["state"]))
        for each in data
        for part in each.get("positions", ())
    ]
    if rows:
        names = ("position", "sold", "won", "left", "state")
        sides = ("left", "right", "right", "right", "left")
        columns = [(text(f"wish.{name}"), side) for name, side in zip(names, sides, strict=True)]
        out.print(table(columns, rows))


_ADOPTED = ("position", "quantity", "cost", "stop")
