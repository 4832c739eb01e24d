"""All streams of the venue: who is connected, and what each of them is to be told, without a socket.

    hub = Hub(face)
    session = hub.connect(line, "127.0.0.1")
    hub.receive(session, '[{"ticket":"a"},{"type":"ticker","codes":["KRW-BTC"]}]')
    hub.pulse()     # tells everybody what has happened since the last time

Each pulse tells what lies between the venue's moment then and now: every happening of an account, and of the street
at most the last second. In stepped pace the same steps give the same frames, to the last byte.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from makenaide.domain.errors import MakenaideError
from makenaide.domain.market import Market
from makenaide.exchange.simulator.core.feed import Happening, OrderHappening, PrintHappening
from makenaide.exchange.simulator.market import PublicTrade
from makenaide.exchange.simulator.prices.moments import EPOCH
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import ApiKey, Maintenance, Pace
from makenaide.exchange.simulator.stream.letters import Letters
from makenaide.exchange.simulator.stream.scene import Scene
from makenaide.exchange.simulator.stream.session import Caller, Frame, Line, Session
from makenaide.exchange.simulator.stream.street import News, Street

Mischief = Callable[[Session, Sequence[Frame]], Sequence[Frame]]
"""Stands between the venue and a client: gets the frames that are about to be sent, gives those that are sent."""

_CHUNK: Final = 32
"""Markets that are told of at a stretch, before others have their turn on the processor."""


@dataclass(slots=True)
class _Past:
    """What has been told: the venue's moment, the feed's position, and until when all is silent."""

    at: datetime
    position: int
    silent_until: datetime = EPOCH


class Hub:
    """The open sessions of `face`'s venue. `mischief` may lose, double or reorder what a session is sent."""

    def __init__(self, face: Face) -> None:
        self.face = face
        self.settings = face.settings.stream
        self.mischief: Mischief | None = None
        self.sessions: list[Session] = []
        self._venue = face.venue
        self._feed = face.venue.settlement.feed
        self._past = _Past(face.venue.now, self._feed.position)
        self._street = Street()
        self._scenes = partial(Scene, face.venue.floor, face.venue.settlement.prints, self.settings.grid_ms)
        self._letters = Letters(self.settings, face.venue.settings.seed)
        self._callers = 0
        self._under_way: Iterator[None] = iter(())

    def connect(self, line: Line, peer: str, key: ApiKey | None = None) -> Session:
        """A new session of the caller at address `peer`, with a `key` on the private endpoint.

        What happened before is not told.
        """
        if not self.sessions:
            self._skip()
        self._callers += 1
        session = Session(
            caller=Caller(number=self._callers, peer=peer, key=key),
            settings=self.settings,
            line=line,
            instant=self._venue.settings.pace is Pace.STEPPED,
        )
        self.sessions.append(session)
        return session

    def leave(self, session: Session) -> None:
        """Forget a session whose socket is closed."""
        if session in self.sessions:
            self.sessions.remove(session)
            self._street.watch(self.sessions)

    def receive(self, session: Session, message: str | bytes) -> None:
        """Take a client's message, and answer it. `session.ended` tells that the socket is to be closed."""
        self.follow()
        self.pulse()
        now, caller = self._venue.now, session.caller
        quota = self.face.quota
        if session.receive(
            message, now, lambda: quota.spend("websocket-message", f"connection {caller.number}", now)
        ):
            self._street.watch(self.sessions)
            self._letters.subscribed(session, now)
        self.pulse()

    def pulse(self) -> None:
        """Tell every session what has happened since the last pulse."""
        for _ in self.steps():
            pass

    def steps(self) -> Iterator[None]:
        """A pulse in pieces, so that others get their turn; time may move on between them."""
        for _ in self._under_way:
            pass  # what an earlier pulse has still to tell comes first
        self._under_way = self._pieces()
        yield from self._under_way

    @property
    def stirred(self) -> bool:
        """Whether something has happened to an account that nobody was told yet."""
        return bool(self.sessions) and self._feed.position != self._past.position

    def follow(self) -> None:
        """In real pace, let the venue's time follow the clock; prices that cannot be had just now stop nobody."""
        with suppress(MakenaideError):
            self.face.tick()

    def _pieces(self) -> Iterator[None]:
        if not self.sessions:
            return
        since, now, told = self._past.at, self._venue.now, self._told()
        if self._silent(now):
            for session in self.sessions:
                session.take()
            return
        scene = self._scenes()
        for session in self.sessions:
            for want in session.tick(now):
                snapshot = scene.snapshot(want, session.format)
                if snapshot is not None:
                    session.outbox.append(snapshot)
        for happening in told:
            self._letters.tell(self.sessions, happening, now)
        since = max(since, now - timedelta(seconds=self.settings.public_seconds))
        news = _news(told, since, now)
        if now > since or news.stirred:
            for _ in self._street.tell(self._scenes, news, _CHUNK):
                self._flush()
                yield
        self._flush()

    def silence(self, until: datetime) -> None:
        """Nothing is sent before the venue's time `until`, and what happens meanwhile never is."""
        self._past.silent_until = until

    def drop_all(self) -> None:
        """Close every socket without a word."""
        for session in list(self.sessions):
            self.leave(session)
            session.line.drop()

    def _told(self) -> list[Happening]:
        """What the feed has since the last time; a session that has missed some of it is dropped."""
        told = self._feed.since(self._past.position)
        self._skip()
        if told is None:
            for session in [each for each in self.sessions if each.caller.account is not None]:
                self.leave(session)
                session.line.drop()
        return told or []

    def _skip(self) -> None:
        self._past.at, self._past.position = self._venue.now, self._feed.position

    def _silent(self, now: datetime) -> bool:
        if self._venue.floor.offline:
            if self.settings.maintenance is Maintenance.DROP:
                self.drop_all()
            return True
        return now < self._past.silent_until

    def _flush(self) -> None:
        for session in self.sessions:
            sent: Sequence[Frame] = session.take()
            if self._venue.now < self._past.silent_until:
                continue  # the mischief has just begun to silence everybody
            if sent and self.mischief is not None:
                sent = self.mischief(session, sent)
            if sent:
                session.line.deliver([each.payload for each in sent])


def _news(told: Sequence[Happening], after: datetime, until: datetime) -> News:
    prints: dict[Market, list[PublicTrade]] = {}
    stirred: set[Market] = set()
    for each in told:
        if isinstance(each, PrintHappening):
            prints.setdefault(each.market, []).append(each.trade)
            stirred.add(each.market)
        elif isinstance(each, OrderHappening):
            stirred.add(each.order.market)
    return News(after=after, until=until, prints=prints, stirred=frozenset(stirred))
