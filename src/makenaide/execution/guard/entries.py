"""The entries of the guard's journal: what it did, a line each, chained by HMAC so that no line can be changed.

A line is its JSON, a tab and the HMAC-SHA256 over the line before's and the JSON.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

import msgspec

from makenaide.domain import order as domain
from makenaide.domain.intent import GUARD, StoredOrder
from makenaide.domain.market import Market
from makenaide.domain.money import Price, Quantity
from makenaide.domain.order import (
    Event,
    Identifier,
    Leg,
    OrderLife,
    OrderRequest,
    OrderState,
    OrderType,
    PositionId,
    Side,
)

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, ValueError, TypeError, RecursionError)
_EVENTS = {
    kind.__name__: kind
    for kind in (
        domain.Sending,
        domain.NotSent,
        domain.Accepted,
        domain.NotAccepted,
        domain.Rejected,
        domain.Duplicate,
        domain.NoAnswer,
        domain.Found,
        domain.Absent,
        domain.Voided,
        domain.Overtaken,
        domain.Burning,
    )
}


class Kind:
    """What an entry tells."""

    RISE = "rise"
    SEEN = "seen"
    INTENT = "intent"
    EVENT = "event"
    DUST = "dust"
    STUCK = "stuck"


class Entry(msgspec.Struct, frozen=True):
    """One line: its number (rising by one), its time (UTC), what it tells, and the facts."""

    n: int
    at: datetime
    kind: str
    data: dict[str, Any]


@dataclass(slots=True)
class Read:
    """What a journal file holds: whole entries, the chain's last link, and the length of it all in bytes.

    `torn`: the last line is a part, as a crash leaves it. `damaged`: a line within it is not what was written.
    """

    entries: list[Entry] = field(default_factory=list)
    link: str = ""
    length: int = 0
    torn: bool = False
    damaged: bool = False


def read(content: bytes, key: bytes, link: str = "") -> Read:
    """Everything up to the first line that is not whole, after a line that ended with `link`; never raises."""
    found = Read(link=link)
    while found.length < len(content):
        end = content.find(b"\n", found.length)
        line = content[found.length : end if end >= 0 else len(content)]
        body, _, mac = line.rpartition(b"\t")
        link = chained(found.link, body, key)
        whole = end >= 0 and hmac.compare_digest(link.encode(), mac)
        entry = _decoded(body) if whole else None
        if entry is None:
            found.torn = True
            found.damaged = 0 <= end < len(content) - 1
            break
        found.entries.append(entry)
        found.link = link
        found.length = end + 1
    return found


def line(entry: Entry, link: str, key: bytes) -> tuple[bytes, str]:
    """The line of `entry` after the one that ended with `link`, and its own link."""
    body = msgspec.json.encode(entry)
    own = chained(link, body, key)
    return body + b"\t" + own.encode() + b"\n", own


def chained(link: str, body: bytes, key: bytes) -> str:
    """The HMAC of a line: over the link before it and its own JSON."""
    return hmac.new(key, link.encode() + body, hashlib.sha256).hexdigest()


def _decoded(body: bytes) -> Entry | None:
    try:
        return msgspec.json.decode(body, type=Entry)
    except _UNREADABLE:
        return None


def intent(order: StoredOrder) -> dict[str, Any]:
    """An exit as an entry's facts."""
    return {
        "identifier": order.identifier,
        "position": order.position_id,
        "number": order.number,
        "reason": order.reason,
        "market": order.request.market,
        "volume": str(order.request.volume),
        "evidence": dict(order.evidence),
    }


def intended(account_id: str, entry: Entry) -> StoredOrder:
    """The exit that an INTENT entry tells of; KeyError and ValueError when it tells none."""
    data = entry.data
    request = OrderRequest(
        market=Market(data["market"]),
        side=Side.ASK,
        type=OrderType.MARKET,
        identifier=Identifier(data["identifier"]),
        volume=Quantity(data["volume"]),
    )
    return StoredOrder(
        request=request,
        account_id=account_id,
        position_id=PositionId(data["position"]),
        decision_id=None,
        leg=Leg.EXIT,
        number=int(data["number"]),
        reason=data["reason"],
        evidence=data["evidence"],
        created_at=entry.at,
        sender=GUARD,
    )


def happened(order: StoredOrder, event: Event, executed: Quantity | None) -> dict[str, Any]:
    """`event` and what it led to as an entry's facts; `executed`: what the venue shows as sold."""
    life = order.life
    return {
        "identifier": order.identifier,
        "event": type(event).__name__,
        "detail": {each.name: _plain(getattr(event, each.name)) for each in fields(event)},
        "state": life.state,
        "doubt": life.doubt,
        "uuid": life.uuid,
        "spent": life.spent,
        "executed": None if executed is None else str(executed),
    }


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Quantity | Price) else value


def event_of(data: Mapping[str, Any]) -> Event:
    """The event that an EVENT entry tells of; KeyError when it tells none."""
    detail = dict(data["detail"])
    if data["event"] in (domain.Overtaken.__name__, domain.Burning.__name__):
        detail["volume"] = Quantity(detail["volume"])
    if data["event"] == domain.Burning.__name__:
        detail["price"] = Price(detail["price"])
    made: Event = _EVENTS[data["event"]](**detail)
    return made


def life_of(data: Mapping[str, Any]) -> OrderLife:
    """The state that an EVENT entry says the order was in after it."""
    return OrderLife(OrderState(data["state"]), bool(data["doubt"]), data["uuid"], bool(data["spent"]))


def rise(position: PositionId, price: Price, kind: str, high_water: Price) -> dict[str, Any]:
    """A risen stop as an entry's facts."""
    return {"position": position, "price": str(price), "kind": kind, "high_water": str(high_water)}
