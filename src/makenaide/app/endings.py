"""The announced ends of markets: only the tickers of the stream tell them (`delisting_date`), no call does."""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from makenaide.app.client import nonce, unhurried
from makenaide.app.resident import ResidentVenue
from makenaide.domain.market import Market
from makenaide.exchange.upbit.stream.connection import Opener, Socket, WebSocketOpener
from makenaide.exchange.upbit.stream.latest import Latest
from makenaide.exchange.upbit.stream.news import News
from makenaide.exchange.upbit.stream.session import StreamParts
from makenaide.exchange.upbit.stream.stream import Stream
from makenaide.exchange.upbit.stream.subscription import Delivery, Subscription, Wanted

_SLICE = 0.2


@dataclass(frozen=True, slots=True)
class Following:
    """An `Opener` to wherever the resident venue of the account in `folder` is now; it never starts one."""

    folder: Path

    def __call__(self, path: str, headers: Mapping[str, str]) -> Socket:
        """A connection there; `NotConnected` while it has no address."""
        return WebSocketOpener(ResidentVenue(self.folder).last_url())(path, headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endings:
    """Asks by one connection that is closed again. Never raises for what the venue or the network does."""

    opener: Opener
    patience: float = 3.0

    def look(self, markets: Sequence[Market]) -> Mapping[Market, date | None]:
        """The day (KST) on which each market ends, None where no end is announced; absent where nobody could tell."""
        if not markets:
            return {}
        latest = Latest()
        over = time.monotonic() + self.patience
        stream = Stream(
            StreamParts(
                opener=self.opener,
                clock=unhurried(),
                monotonic=time.monotonic,
                rng=random.Random(),  # noqa: S311 - jitter of reconnects, no secret
                ids=nonce,
                stopping=lambda: time.monotonic() > over,
                latest=latest,
                news=News(),
            )
        )
        stream.want(Subscription((Wanted(type="ticker", codes=tuple(markets), delivery=Delivery.SNAPSHOT),)))
        stream.start()
        try:
            return self._heard(latest, markets, over)
        finally:
            stream.stop()

    def delistings(self, markets: Sequence[Market]) -> Mapping[Market, date]:
        """Of `markets`, those with an announced end, and its day (KST)."""
        return {market: day for market, day in self.look(markets).items() if day is not None}

    def _heard(self, latest: Latest, markets: Sequence[Market], over: float) -> Mapping[Market, date | None]:
        ends: dict[Market, date | None] = {}
        while len(ends) < len(set(markets)) and time.monotonic() < over:
            version = latest.version
            ends |= {market: seen.frame.delisting for market, seen in latest.tickers(markets).items()}
            if len(ends) < len(set(markets)):
                latest.wait(version, _SLICE)
        return ends
