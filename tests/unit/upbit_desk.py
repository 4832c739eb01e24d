"""The real client as a customer with a key, on a simulated venue in the same process."""

from dataclasses import dataclass, field

from makenaide.domain.market import Market
from makenaide.domain.money import Price, Quantity
from makenaide.domain.order import Accepted, Identifier, OrderRequest, OrderType, Side, TimeInForce
from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import ALL_SCOPES, ApiKey, FaceSettings, QuotaSettings
from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.client import UpbitClient
from tests.unit.simulator_street import BTC, SECRET, flat, opened
from tests.unit.upbit_script import StepClock, client_of

UNQUOTED = FaceSettings(quota=QuotaSettings(enforced=False))
KEYS = Keys(access="paper", secret=SECRET)


@dataclass
class Counter:
    """A transport that carries to a face and keeps the requests."""

    face: Face
    sent: list[Request] = field(default_factory=list)

    def send(self, request: Request) -> Response:
        self.sent.append(request)
        return self.face.send(request)


@dataclass
class Desk:
    """A client, its venue, and what was sent."""

    venue: Venue
    wire: Counter
    client: UpbitClient

    def paths(self) -> list[str]:
        """The paths asked for, in order."""
        return [request.path for request in self.wire.sent]

    def rest(self, number: int, market: Market = BTC) -> Identifier:
        """Place a bid far below the price, which rests; its identifier."""
        asked = bid(number, market)
        assert isinstance(self.client.place(asked), Accepted)
        return asked.identifier


def desk(
    venue: Venue | None = None,
    *,
    scopes: frozenset[str] = ALL_SCOPES,
    settings: FaceSettings = UNQUOTED,
    addresses: tuple[str, ...] = (),
) -> Desk:
    """A desk at `venue` (by default a flat street with ten million won) with a key of these `scopes`."""
    venue = venue or opened(flat())
    key = ApiKey(access=KEYS.access, secret=SECRET, account="paper", scopes=scopes, addresses=addresses)
    wire = Counter(Face(venue, [key], settings))
    return Desk(venue, wire, client_of(wire, StepClock(), KEYS))


def bid(number: int, market: Market = BTC, price: str = "50000000", volume: str = "0.0002") -> OrderRequest:
    """A limit bid that nobody meets at a price of 100 million."""
    return OrderRequest(
        market=market,
        side=Side.BID,
        type=OrderType.LIMIT,
        identifier=Identifier(f"mk1-7f3a-{market}-20260105T0900-e{number:02d}"),
        price=Price(price),
        volume=Quantity(volume),
    )


def taking(number: int, volume: str = "0.001") -> OrderRequest:
    """A limit bid above the price, filled at once."""
    asked = bid(number, price="110000000", volume=volume)
    return OrderRequest(
        market=asked.market,
        side=asked.side,
        type=asked.type,
        identifier=asked.identifier,
        price=asked.price,
        volume=asked.volume,
        time_in_force=TimeInForce.IOC,
    )
