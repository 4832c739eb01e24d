"""The stop (T1-T4): drain, back up, prove, power down; each only when what is before it holds."""

from dataclasses import dataclass
from datetime import datetime

from makenaide.ops.plan import Plan, Procedure, Step
from makenaide.ops.plans.situation import Situation
from makenaide.ops.scene import PartState

DRAIN, BACKUP, POWER, STOPPED = "T1", "T2", "T3", "T4"

DEADLINES = {DRAIN: 240.0, BACKUP: 1800.0, POWER: 60.0, STOPPED: 30.0}
"""Seconds. T1: the steward's and the trader's half minutes, and 90 s for what is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person wants: the guard ended too (`everything`), even with open positions (`accept_unguarded`)."""

    everything: bool = False
    accept_unguarded: bool = False


def stop_plan(situation: Situation, wish: Wish, name: str, at: datetime) -> Plan:
    """What a stop does in `situation`, in order; `name` is the plan's, `at` the present (UTC)."""
    over = is_over(situation, wish)
    steps = (
        _drain(situation, wish, over=over),
        _step(BACKUP, "back_up", "stopped_already" if over else "restored", skip=over),
        _power(situation, over=over),
        _step(STOPPED, "stopped", "only_proven"),
    )
    return Plan(id=name, procedure=Procedure.STOP, at=at, account=situation.account, steps=steps)


def is_over(situation: Situation, wish: Wish) -> bool:
    """Whether there is nothing left to do but to say so: it is stopped already, or there never was anything.

    Never while positions are known that no guard watches, as after a restart of the machine.
    """
    down = not situation.ours or situation.database is PartState.DOWN
    over = situation.stopped or (situation.ours and situation.stored is False)
    running = situation.trader or situation.steward or (wish.everything and situation.guard)
    bare = bool(situation.guarded) and not situation.guard and not wish.accept_unguarded
    return down and over and not running and not bare


def _step(name: str, does: str, why: str, *, skip: bool = False) -> Step:
    return Step(id=name, does=does, deadline=DEADLINES[name], why=why, skip=skip)


def _drain(situation: Situation, wish: Wish, *, over: bool) -> Step:
    if situation.stored is False:
        return _step(DRAIN, "drain", "no_account", skip=True)
    if over:
        return _step(DRAIN, "drain", "stopped_already", skip=True)
    if not wish.everything:
        return _step(DRAIN, "drain", "guard_stays")
    if wish.accept_unguarded:
        return _step(DRAIN, "drain_bare", "accepted")
    if situation.holding:
        return _step(DRAIN, "drain_all", "refuses_holding")
    return _step(DRAIN, "drain_all", "guard_goes")


def _power(situation: Situation, *, over: bool) -> Step:
    if not situation.ours:
        return _step(POWER, "power_down", "not_ours", skip=True)
    if over:
        return _step(POWER, "power_down", "down_already", skip=True)
    return _step(POWER, "power_down", "proof_first")
