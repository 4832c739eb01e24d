"""The real client on a simulated exchange whose time is a hand-driven clock, all in one process."""

from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import FaceSettings, Pace, QuotaSettings, VenueSettings
from makenaide.exchange.upbit.client import UpbitClient
from tests.unit.simulator_street import Street
from tests.unit.upbit_script import StepClock, client_of


def exchange(street: Street, clock: StepClock) -> UpbitClient:
    """Public market data of `street` at the time of `clock`."""
    venue = Venue(street, VenueSettings(pace=Pace.REAL))
    face = Face(venue, [], FaceSettings(quota=QuotaSettings(enforced=False)), clock)
    return client_of(face, clock, None)
