"""What a public call asks about, read from its query; `Refused` with an integer name when it is wrong."""

from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.market import market as market_code
from makenaide.exchange.simulator.core.errors import bad_quotation
from makenaide.exchange.simulator.core.floor import Floor
from makenaide.exchange.simulator.rest.query import Query, whole
from makenaide.exchange.simulator.rest.route import Parameter

MARKET = Parameter("market", required=True)
MARKETS = Parameter("markets", required=True)


def one_market(query: Query, floor: Floor) -> Market:
    """The listed market named by `market`, in capitals or not."""
    code = query.one("market")
    if code is None:
        raise bad_quotation("missing")
    return _listed(code, floor)


def many_markets(query: Query, floor: Floor) -> list[Market]:
    """The listed markets of the comma list `markets`, in its order."""
    codes = query.parts("markets")
    if not codes:
        raise bad_quotation("missing")
    # A name said twice is answered once, so no call can ask for more than there is.
    return list(dict.fromkeys(_listed(code, floor) for code in codes))


def number(query: Query, name: str, default: int, bounds: tuple[int, int | None]) -> int:
    """The whole number `name` within inclusive `bounds` (None = open)."""
    text = query.one(name)
    if text is None:
        return default
    value = whole(text)
    if value is None:
        raise bad_quotation("mismatch")
    least, most = bounds
    if value < least or (most is not None and value > most):
        raise bad_quotation("invalid")
    return value


def _listed(code: str, floor: Floor) -> Market:
    listed = floor.listed()
    market = Market(code)
    if market in listed:
        return market
    try:
        market = market_code(code)
    except UnknownMarket:
        raise bad_quotation("unknown") from None
    if market not in listed:
        raise bad_quotation("unknown")
    return market
