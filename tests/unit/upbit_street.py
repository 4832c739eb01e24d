"""The real client on a simulated exchange whose time is a hand-driven clock, all in one process."""

import random
from itertools import count

from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import FaceSettings, Pace, QuotaSettings, VenueSettings
from makenaide.exchange.upbit.client import UpbitClient
from makenaide.exchange.upbit.limiter import Limiter, LimiterSettings
from tests.unit.simulator_street import Street
from tests.unit.upbit_script import StepClock


def exchange(street: Street, clock: StepClock) -> UpbitClient:
    """Public market data of `street` at the time of `clock`."""
    venue = Venue(street, VenueSettings(pace=Pace.REAL))
    face = Face(venue, [], FaceSettings(quota=QuotaSettings(enforced=False)), clock)
    numbers = count(1)
    return UpbitClient(
        transport=face,
        limiter=Limiter(LimiterSettings(), clock, random.Random(1)),
        keys=None,
        clock=clock,
        ids=lambda: f"nonce-{next(numbers)}",
        rng=random.Random(2),
    )
