"""What a guard is given: its venue, and eyes on its prices by stream, with REST where the stream is blind."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace

from makenaide.app.client import nonce, read_keys, unhurried, upbit_client
from makenaide.app.clock import StopFlag, WallClock, boot_seconds
from makenaide.app.endings import Following
from makenaide.app.guardpost import Ground, Orders, Post
from makenaide.app.resident import Tended, resident
from makenaide.domain.clock import Clock
from makenaide.domain.errors import Misconfigured
from makenaide.domain.market import Market
from makenaide.exchange.paper import PaperVenue
from makenaide.exchange.polling import PollingWatcher
from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.client import UpbitClient
from makenaide.exchange.upbit.settings import UpbitSettings
from makenaide.exchange.upbit.shares import Role
from makenaide.exchange.upbit.stream.connection import Opener, WebSocketOpener
from makenaide.exchange.upbit.stream.latest import Latest
from makenaide.exchange.upbit.stream.news import News
from makenaide.exchange.upbit.stream.session import StreamParts
from makenaide.exchange.upbit.stream.settings import StreamSettings
from makenaide.exchange.upbit.stream.stream import Stream
from makenaide.exchange.upbit.stream.subscription import books_of
from makenaide.exchange.upbit.stream.watcher import EyesParts, StreamWatcher, in_thread
from makenaide.exchange.upbit.transport import UrllibTransport
from makenaide.exchange.venue import Venue, Watcher

_PATIENCE = 2.0
"""Seconds that a look of the guard waits for its turn."""
_ACCESS, _SECRET = "MAKENAIDE_UPBIT_ACCESS_KEY", "MAKENAIDE_UPBIT_SECRET_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outfit:
    """What a guard works with. `clock` is the wall clock, whose sleeps end when it is asked to stop; `boot` counts
    seconds since the machine's start. `venue` keeps to a guard's share of the limits.
    """

    post: Post
    orders: Orders
    venue: Venue
    watcher: Watcher
    clock: Clock
    boot: Callable[[], float]


@dataclass(frozen=True, slots=True)
class _Places:
    """The prices' client, the account's, and the way to the prices' stream."""

    prices: UpbitClient
    account: UpbitClient
    opener: Opener


@contextmanager
def outfit(post: Post, orders: Orders, flag: StopFlag, environ: Mapping[str, str]) -> Iterator[Outfit]:
    """Everything open, until the block ends; raises as `app.resident.resident`, `Misconfigured` without keys."""
    # One try and a short wait for its turn: the guard looks again by itself, and no market holds up the others.
    retry = replace(orders.upbit.retry, attempts=1, patience=min(orders.upbit.retry.patience, _PATIENCE))
    paced = replace(orders.upbit, limiter=orders.upbit.limiter.within(Role.GUARD), retry=retry)
    clock = WallClock(flag)
    with ExitStack() as stack:
        places = (
            _live(stack, paced, environ) if orders.ground is Ground.LIVE else _paper(stack, post, orders, paced)
        )
        venue = places.account
        yield Outfit(
            post=post,
            orders=orders,
            venue=venue if venue is places.prices else PaperVenue(quotation=places.prices, trading=venue),
            watcher=_watcher(stack, places, clock, flag),
            clock=clock,
            boot=boot_seconds,
        )


def _live(stack: ExitStack, settings: UpbitSettings, environ: Mapping[str, str]) -> _Places:
    access, secret = environ.get(_ACCESS), environ.get(_SECRET)
    if not access or not secret:
        raise Misconfigured(f"{_ACCESS}, {_SECRET}: a guard of real money needs both")
    far = stack.enter_context(closing(UrllibTransport(settings.base_url, settings.transport)))
    client = upbit_client(settings, far, Keys(access=access, secret=secret), unhurried())
    return _Places(client, client, WebSocketOpener(settings.base_url))


def _paper(stack: ExitStack, post: Post, orders: Orders, settings: UpbitSettings) -> _Places:
    beside = stack.enter_context(resident(post.account))
    near = stack.enter_context(closing(Tended(beside, settings.transport)))
    account = upbit_client(settings, near, read_keys(post.account / "keys.json"), unhurried())
    if orders.ground is Ground.SIMULATOR:
        return _Places(account, account, Following(post.account))
    far = stack.enter_context(closing(UrllibTransport(settings.base_url, settings.transport)))
    return _Places(upbit_client(settings, far, None, unhurried()), account, WebSocketOpener(settings.base_url))


def _watcher(stack: ExitStack, places: _Places, clock: Clock, flag: StopFlag) -> StreamWatcher:
    latest, settings = Latest(), StreamSettings()
    stream = Stream(
        StreamParts(
            opener=places.opener,
            clock=clock,
            monotonic=boot_seconds,
            rng=random.Random(),  # noqa: S311 - jitter of reconnects, no secret
            ids=nonce,
            stopping=flag,
            latest=latest,
            news=News(),
            limiter=places.prices.limiter,
            settings=settings,
        )
    )
    stream.start()
    stack.callback(stream.stop)

    def follow(markets: frozenset[Market]) -> None:
        stream.want(books_of(sorted(markets), settings.heartbeat))

    return StreamWatcher(
        EyesParts(
            latest=latest,
            follow=follow,
            fallback=PollingWatcher(quotation=places.prices, clock=clock, stopping=flag),
            clock=clock,
            monotonic=boot_seconds,
            stopping=flag,
            pause=latest.wait,
            run=in_thread,
        )
    )
