"""Listening to what the exchange announces: the private stream, in threads of its own, into the table announcement.

A key is needed, and any will do: that of the account at the simulator, or the real one at the real exchange. Without
one nobody listens, and the evening list says so. What is announced while the stream is away is never heard.
"""

import logging
import random
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from makenaide.app.client import nonce, read_keys, unhurried
from makenaide.app.clock import StopFlag, boot_seconds
from makenaide.app.database import Store
from makenaide.app.endings import Following
from makenaide.domain.clock import Clock
from makenaide.domain.errors import MakenaideError, Misconfigured
from makenaide.environment import Environment
from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.stream.connection import Opener, WebSocketOpener
from makenaide.exchange.upbit.stream.frames import AnnouncementFrame
from makenaide.exchange.upbit.stream.latest import Latest
from makenaide.exchange.upbit.stream.news import Connected, Lost, News
from makenaide.exchange.upbit.stream.session import StreamParts
from makenaide.exchange.upbit.stream.status import State
from makenaide.exchange.upbit.stream.stream import Stream
from makenaide.exchange.upbit.stream.subscription import Subscription, Wanted
from makenaide.monitoring.measures import Name
from makenaide.ops.attempt import Caught
from makenaide.store.accounts import Account
from makenaide.store.announcements import Announcement, put_announcement
from makenaide.store.db import Database, Role
from makenaide.store.text import storable

log = logging.getLogger(__name__)

CATEGORIES = ("trade", "maintenance", "wallet", "digital_asset", "notice", "service")
"""What may touch an account; never events and advertisements."""
_MOST_KEPT = 1000
_PAUSE = 0.25
_NOTED_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ears:
    """Where to listen, and with which key."""

    keys: Callable[[], Keys]
    opener: Opener


def ears_of(env: Environment, account: Account) -> Ears | None:
    """How the announcements for `account` are heard; None where there is no key to hear them with."""
    if account.last_slot is not None:
        return None  # a stepped account's venue only lives while its trader asks
    if account.venue == "simulator" and not account.settings.get("live", False):
        folder = env.home / "accounts" / account.account_id
        return Ears(keys=lambda: read_keys(folder / "keys.json"), opener=Following(folder))
    given = env.secrets
    if not given.access or not given.secret:
        return None
    keys = partial(Keys, access=given.access, secret=given.secret)
    return Ears(keys=keys, opener=WebSocketOpener(env.config.upbit.base_url))


@contextmanager
def listening(env: Environment, store: Store, account: Account, flag: StopFlag) -> Iterator[bool]:
    """Listen until the block ends; whether there is anything to listen with."""
    ears = ears_of(env, account)
    if ears is None:
        log.info("no key to hear announcements with", extra={"action": "announcements.none"})
        yield False
        return
    over = threading.Event()
    listener = _Listener(ears, store, lambda: flag() or over.is_set())
    thread = threading.Thread(target=listener.run, name="announcements", daemon=True)
    thread.start()
    try:
        yield True
    finally:
        over.set()
        thread.join(2.0)


class _Listener:
    def __init__(self, ears: Ears, store: Store, over: Callable[[], bool]) -> None:
        self._ears = ears
        self._store = store
        self._over = over
        self._clock: Clock = unhurried()
        self._heard: deque[Announcement] = deque(maxlen=_MOST_KEPT)
        self._noted = boot_seconds() - _NOTED_SECONDS

    def run(self) -> None:
        keys = self._keys()
        if keys is None:
            return
        news = News()
        stream = Stream(
            StreamParts(
                opener=self._ears.opener,
                clock=self._clock,
                monotonic=boot_seconds,
                rng=random.Random(),  # noqa: S311 - jitter of reconnects, no secret
                ids=nonce,
                stopping=self._over,
                latest=Latest(),
                news=news,
                keys=keys,
            )
        )
        stream.want(Subscription((Wanted(type="announcement", categories=CATEGORIES, body=True),)))
        stream.start()
        try:
            while not self._over():
                self._take(news)
                if stream.status().state is State.LIVE:
                    self._listened()
        finally:
            stream.stop()

    def _listened(self) -> None:
        """That somebody listens shows also while nothing is announced."""
        now = boot_seconds()
        if now - self._noted >= _NOTED_SECONDS:
            self._store.measures.note(Name.LISTEN, "announcement", now - self._noted)
            self._noted = now

    def _keys(self) -> Keys | None:
        """The key, once there is one: a simulator writes it when it is first started."""
        waited = False
        while not self._over():
            try:
                return self._ears.keys()
            except Misconfigured as cause:
                if not waited:
                    log.info("no key yet", extra={"action": "announcements.wait", "cause": str(cause)})
            waited = True
            self._clock.sleep(_PAUSE)
        return None

    def _take(self, news: News) -> None:
        match news.take(0.5):
            case AnnouncementFrame() as frame:
                self._heard.append(self._announcement(frame))
            case Connected(number=number):
                log.info("listening", extra={"action": "announcements.heard", "number": number})
            case Lost(reason=reason):
                log.warning("deaf", extra={"action": "announcements.lost", "cause": reason})
            case _:
                pass
        self._keep()

    def _keep(self) -> None:
        """What the database does not take now it is given again."""
        if not self._heard:
            return
        caught = Caught()
        with caught, self._store.open(Role.WRITER) as db:
            while self._heard:
                self._put(db, self._heard[0])
                self._heard.popleft()
        if caught.cause is not None:
            log.warning("announcements wait", extra={"action": "announcements.kept", "cause": str(caught.cause)})
            self._clock.sleep(1.0)

    def _put(self, db: Database, heard: Announcement) -> None:
        """What the driver refuses for reasons that nobody foresaw would be refused for ever: it is dropped."""
        caught = Caught()
        with caught:
            put_announcement(db, heard)
        if isinstance(caught.cause, MakenaideError):
            raise caught.cause
        if caught.cause is not None:
            about = {"action": "announcements.dropped", "uuid": heard.uuid, "cause": str(caught.cause)}
            log.error("an announcement is dropped", extra=about)

    def _announcement(self, frame: AnnouncementFrame) -> Announcement:
        return Announcement(
            uuid=storable(frame.uuid),
            listed_at=frame.listed_at or frame.at,
            category=storable(frame.category),
            title=storable(frame.title),
            body=None if frame.body is None else storable(frame.body),
            url=storable(frame.url) or None,
            heard_at=self._clock.now(),
        )
