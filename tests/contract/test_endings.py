"""Announced ends of markets are heard on the stream of a served venue; a venue that is away tells nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import pytest

from makenaide.app.endings import Endings
from makenaide.domain.clock import kst
from makenaide.domain.market import Market
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.server import Server
from makenaide.exchange.simulator.settings import FaceSettings, Pace, QuotaSettings, VenueSettings
from makenaide.exchange.upbit.stream.connection import WebSocketOpener
from tests.contract.serving import RunningClock, running
from tests.unit.simulator_street import BEGIN, BTC, XRP, Street, opened

pytestmark = pytest.mark.sockets

GONE = BEGIN + timedelta(days=3)
NOWHERE = Market("KRW-NONE")


@contextmanager
def served() -> Iterator[str]:
    """A venue on which KRW-XRP is to end in three days; its address."""
    steps = {BTC: [(timedelta(0), Decimal(100_000_000))], XRP: [(timedelta(0), Decimal(1000))]}
    street = Street(steps=steps, size=Decimal(100), delisted={XRP: GONE})
    venue = opened(street, settings=VenueSettings(pace=Pace.REAL))
    server = Server(Face(venue, [], FaceSettings(quota=QuotaSettings(enforced=False)), RunningClock()))
    with running(server):
        yield f"http://127.0.0.1:{server.port}"


def test_an_announced_end_is_told_by_its_day_and_an_unknown_market_not_at_all() -> None:
    with served() as url:
        endings = Endings(opener=WebSocketOpener(url), patience=2)
        assert endings.look([BTC, XRP]) == {BTC: None, XRP: kst(GONE).date()}
        assert endings.delistings([BTC, XRP]) == {XRP: kst(GONE).date()}
        assert endings.look([BTC, NOWHERE]) == {BTC: None}


def test_nothing_is_asked_for_nothing_and_a_venue_that_is_away_tells_nothing() -> None:
    away = Endings(opener=WebSocketOpener("http://127.0.0.1:9"), patience=0.5)
    assert away.look([]) == {}
    assert away.look([BTC]) == {}
    assert away.delistings([BTC]) == {}
