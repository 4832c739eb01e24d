"""Delivery: after the commit, each channel delivers what it still owes, in order, until it is at an end with it.

One key is one row of the outbox, however often it is put there. A channel ends with a message once: done, or given
up. Two deliverers at once never send one message twice, for a channel is held by one of them. What a crash between
the sending and its row leaves is a message that is sent again: a webhook knows it by its idempotency key, in a log or
on a terminal it stands twice.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from makenaide.domain.errors import Unavailable
from makenaide.monitoring.channels import Channel, Refused
from makenaide.store.db import Database
from makenaide.store.outbox import (
    Delivery,
    Outcome,
    Undelivered,
    channel_held,
    give_up,
    put_delivery,
    undelivered,
)

log = logging.getLogger(__name__)

OLDEST = timedelta(days=3)
"""What is older is no news: a channel gives it up."""
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=15)
_PATIENCE = 5
"""Tries after which a message no longer holds up those behind it: it may be the message that the channel dislikes."""
_FAILURES = 2
"""Failures after which a channel is left alone for this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What one channel did this time; `busy`: another deliverer is at it."""

    channel: str
    done: int = 0
    failed: int = 0
    given_up: int = 0
    busy: bool = False


def deliver(db: Database, channels: Iterable[Channel], now: datetime) -> tuple[Delivered, ...]:
    """Let each of `channels` deliver what it owes; `now` is the wall clock (UTC). Call it outside of a transaction.

    What fails is tried again by a later call, after a pause that doubles from 5 s to 15 min; nothing overtakes it
    until it has failed five times. Messages written more than three days ago are given up. Raises what the
    database raises, nothing of a channel.
    """
    return tuple(_deliver(db, channel, now) for channel in channels)


def owes(db: Database, channel: str, now: datetime) -> bool:
    """Whether there is anything for `channel` to deliver; only looks."""
    return bool(undelivered(db, channel, now - OLDEST, many=1))


def pause(tries: int) -> timedelta:
    """How long after its last try a message that failed `tries` times is tried again."""
    doublings: int = 2 ** min(max(tries - 1, 0), 20)
    return min(_FIRST_PAUSE * doublings, _LONGEST_PAUSE)


def _deliver(db: Database, channel: Channel, now: datetime) -> Delivered:
    with channel_held(db, channel.name) as held:
        if not held:
            return Delivered(channel=channel.name, busy=True)
        given_up = give_up(db, channel.name, now - OLDEST, (now, "older than three days"))
        done = failed = 0
        for owed in undelivered(db, channel.name, now - OLDEST):
            if owed.tried_at is not None and now < owed.tried_at + pause(owed.tries):
                if owed.tries < _PATIENCE:
                    break
                continue
            outcome = _try(db, channel, owed, now)
            done += outcome is Outcome.DONE
            given_up += outcome is Outcome.GIVEN_UP
            failed += outcome is Outcome.FAILED
            if outcome is Outcome.FAILED and (owed.tries + 1 < _PATIENCE or failed >= _FAILURES):
                break
        return Delivered(channel=channel.name, done=done, failed=failed, given_up=given_up)


def _try(db: Database, channel: Channel, owed: Undelivered, now: datetime) -> Outcome:
    outcome, detail = Outcome.DONE, ""
    try:
        channel.send(owed.message)
    except Refused as cause:
        outcome, detail = Outcome.GIVEN_UP, str(cause)
    except Unavailable as cause:
        outcome, detail = Outcome.FAILED, str(cause)
    put_delivery(db, owed.message_id, Delivery(channel=channel.name, at=now, outcome=outcome, detail=detail))
    if outcome is not Outcome.DONE:
        told = {"action": "message.undelivered", "key": owed.message.key, "channel": channel.name}
        log.warning("not delivered", extra={**told, "outcome": str(outcome), "cause": detail})
    return outcome
