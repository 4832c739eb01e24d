"""Channels: the ways on which a message reaches a person. Each carries one message at a time, or says why not.

    WebhookChannel(transport=UrllibTransport(base, limits), target="/services/...", host="hooks.example.com")

Messages hold words from outside. A terminal is steered by control characters, a log line ends at a line feed, and a
chat reads markup: each channel makes harmless what would harm its own reader.
"""

import logging
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol, TextIO

import msgspec

from makenaide.domain.clock import kst
from makenaide.domain.errors import Unavailable
from makenaide.exchange.http import Interrupted, NotConnected, Request, Transport
from makenaide.store.outbox import Message, Urgency

log = logging.getLogger(__name__)

LOG, TERMINAL, WEBHOOK = "log", "terminal", "webhook"
"""The names of the channels, as deliveries are filed under them."""

_LEVELS = {Urgency.INFO: logging.INFO, Urgency.WARNING: logging.WARNING, Urgency.PAGE: logging.ERROR}
_MARKS = {Urgency.INFO: "-", Urgency.WARNING: "!", Urgency.PAGE: "!!"}

_OF_THE_ADDRESS = frozenset({401, 403, 404, 405, 407, 408, 410, 425, 429})
"""Refusals that say nothing against the message: the address was withdrawn, or it is asked too often."""
_LONGEST = 8_000
"""Letters of a body that are sent to a webhook: chats refuse much longer ones, and a list is read from its top."""


class Refused(Unavailable):
    """The channel will never take this message: trying again would change nothing."""


class Channel(Protocol):
    """One way to a person."""

    @property
    def name(self) -> str:
        """What its deliveries are filed under."""
        ...

    def send(self, message: Message) -> None:
        """Deliver `message` now; `Refused` when it never will, `Unavailable` when a later try may help.

        The fault's text is kept and shown: no secret may be in it.
        """
        ...


@dataclass(frozen=True, slots=True)
class LogChannel:
    """The program's structured log: one record a message, its level by the urgency; action "message"."""

    name: str = LOG

    def send(self, message: Message) -> None:
        """Never refuses."""
        extra = {
            "action": "message",
            "key": message.key,
            "account": message.account_id,
            "urgency": str(message.urgency),
            "title": message.title,
            "body": message.body,
        }
        log.log(_LEVELS[message.urgency], "message", extra=extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalChannel:
    """A terminal that somebody looks at. Nothing is markup there, and no character steers it."""

    stream: TextIO
    name: str = TERMINAL

    def send(self, message: Message) -> None:
        """Write it; `Unavailable` where the stream is no terminal, or closed."""
        try:
            if not self.stream.isatty():
                raise Unavailable("no terminal")
            coding = self.stream.encoding or "ascii"
            self.stream.write(_plain(message).encode(coding, "replace").decode(coding))
            self.stream.flush()
        except (OSError, ValueError) as cause:  # the second: a closed stream
            raise Unavailable(f"the terminal cannot be written to: {cause}") from cause


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChannel:
    """A POST of JSON to a webhook: Slack's form (`text`), and the message's parts beside it.

    2xx = delivered. Delivery is at least once: after a break nobody knows whether it arrived, and it is sent again
    with the same `Idempotency-Key`, the message's key. A 4xx that speaks of the message (400, 413, 422 ...) refuses
    it for good; one that speaks of the address (401, 403, 404, 410), a redirect, which is never followed, and all
    else is tried again: a person may mend the address meanwhile. `target`, path and query, is the secret and in no
    text; `host` is.
    """

    transport: Transport = field(repr=False)
    target: str = field(repr=False)
    host: str
    name: str = WEBHOOK

    def send(self, message: Message) -> None:
        """POST it once."""
        headers = {"content-type": "application/json; charset=utf-8", "idempotency-key": _header(message.key)}
        request = Request(method="POST", path=self.target, headers=headers, body=_payload(message))
        try:
            status = self.transport.send(request).status
        except (NotConnected, Interrupted) as cause:
            # What the library says may name the whole address.
            raise Unavailable(f"{self.host}: {_kind(cause)}") from None
        if 200 <= status < 300:
            return
        if 400 <= status < 500 and status not in _OF_THE_ADDRESS:
            raise Refused(f"{self.host}: refused the message ({_status(status)})")
        raise Unavailable(f"{self.host}: answered {_status(status)}")


def _kind(cause: NotConnected | Interrupted) -> str:
    return "cannot be reached" if isinstance(cause, NotConnected) else "no whole answer came"


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _header(key: str) -> str:
    """`key` as a header can hold it: the same for the same key, another for another."""
    return "".join(char if "!" <= char <= "~" and char != "%" else _escaped(char) for char in key)


def _escaped(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))


def _payload(message: Message) -> bytes:
    body = message.body if len(message.body) <= _LONGEST else message.body[:_LONGEST] + " ..."
    text = f"{message.title}\n{body}" if body else message.title
    return msgspec.json.encode(
        {
            # Slack reads <...> as links and mentions (<!channel> calls everybody) unless these three are escaped.
            "text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
            "title": message.title,
            "body": body,
            "urgency": str(message.urgency),
            "key": message.key,
            "at": message.at,
            "detail": dict(message.detail),
        },
        enc_hook=str,
    )


def _plain(message: Message) -> str:
    lines = [_visible(line) for line in message.body.splitlines()]
    head = f"{_MARKS[message.urgency]} {kst(message.at):%Y-%m-%d %H:%M} KST  {_visible(message.title)}"
    return "".join(f"{line}\n" for line in (head, *(f"  {line}".rstrip() for line in lines)))


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)
