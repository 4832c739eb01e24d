"""Telling people: which channels there are here, and how a message gets to them with a database and without one."""

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TextIO
from urllib.parse import urlsplit

from makenaide.app.database import Store
from makenaide.app.told import sent, take_in_told, tell_straight
from makenaide.domain.errors import MakenaideError, Misconfigured
from makenaide.environment import WEBHOOK_NAME, Environment, WebhookSecret
from makenaide.exchange.upbit.address import address
from makenaide.exchange.upbit.settings import TransportSettings
from makenaide.exchange.upbit.transport import UrllibTransport
from makenaide.monitoring.channels import Channel, LogChannel, TerminalChannel, WebhookChannel
from makenaide.monitoring.delivery import Delivered, deliver
from makenaide.store.db import Role
from makenaide.store.outbox import Message, put_message, storable

log = logging.getLogger(__name__)

LIMITS = TransportSettings(connect=3.0, read=5.0, total=10.0, pool=1, body_limit=64 * 1024)
"""How long a webhook may take: as an exchange's call, for the same reasons."""
_TARGET = re.compile(r"[!-~]*", re.ASCII)


def channels(
    env: Environment, stream: TextIO | None = None, limits: TransportSettings = LIMITS
) -> tuple[Channel, ...]:
    """The log; the webhook, if MAKENAIDE_WEBHOOK_URL is set; `stream`, if that is a terminal.

    `Misconfigured` for an address that is none, naming the variable and never its value.
    """
    found: list[Channel] = [LogChannel()]
    if env.webhook.url:
        found.append(_webhook(env.webhook.url, limits))
    if stream is not None and stream.isatty():
        found.append(TerminalChannel(stream=stream))
    return tuple(found)


def tell(env: Environment, store: Store | None, message: Message, stream: TextIO | None = None) -> bool:
    """Tell people of `message` now: through the outbox of `store`, or without it where there is no database.

    Whether it is on its way: it is in the outbox, which goes on trying, or a channel has it. One key is told once.
    Raises nothing that was foreseen: whoever tells has more important work; what went wrong is in the log.
    """
    message = storable(message)
    if store is not None and _stored(store, message):
        try:
            send_due(env, store, stream)
        except MakenaideError as cause:
            _unlucky("message.waits", message, cause)
        return True
    ways = _sound(env, stream)
    try:
        return bool(tell_straight(env.home, ways, message))
    except MakenaideError as cause:
        _unlucky("message.unmarked", message, cause)
        return [sent(each, message) for each in ways].count(True) > 0


def send_due(env: Environment, store: Store, stream: TextIO | None = None) -> tuple[Delivered, ...]:
    """Take in what was told without the database, and let each channel deliver what it owes; call it again and again.

    `Unavailable` (the database, the disk) and `Misconfigured` as those say; never for a channel.
    """
    now = datetime.now(UTC)
    with store.open(Role.WRITER) as db:
        take_in_told(env.home, db, now)
        return deliver(db, _sound(env, stream), now)


def _sound(env: Environment, stream: TextIO | None) -> Sequence[Channel]:
    """The channels; without the webhook where its address is none: the others must not suffer for it."""
    try:
        return channels(env, stream)
    except Misconfigured as cause:
        log.error("no webhook", extra={"action": "webhook.misconfigured", "cause": str(cause)})  # noqa: TRY400
        return channels(replace(env, webhook=WebhookSecret()), stream)


def _webhook(url: str, limits: TransportSettings) -> WebhookChannel:
    wrong = f"{WEBHOOK_NAME}: expected https://HOST[:PORT]/PATH, or http:// on this machine"
    try:
        parts = urlsplit(url)
        place = address(f"{parts.scheme}://{parts.netloc}")
    except (ValueError, Misconfigured):
        raise Misconfigured(wrong) from None  # their texts hold the address
    if parts.fragment or not _TARGET.fullmatch(parts.path + parts.query):
        raise Misconfigured(wrong)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # The library logs each request with its path at the level DEBUG, which nobody needs of this one.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
    base = f"{parts.scheme}://{parts.netloc}"
    return WebhookChannel(transport=UrllibTransport(base, limits), target=target, host=place.spelled)


def _stored(store: Store, message: Message) -> bool:
    try:
        with store.open(Role.WRITER) as db:
            put_message(db, message)
    except MakenaideError as cause:
        _unlucky("message.unstored", message, cause)
        return False
    return True


def _unlucky(action: str, message: Message, cause: MakenaideError) -> None:
    log.warning("a message", extra={"action": action, "key": message.key, "cause": str(cause)})
