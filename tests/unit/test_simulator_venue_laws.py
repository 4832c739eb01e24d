"""Laws of the simulated venue over random commands: nothing is made or lost, and a replay is the same venue."""

import tempfile
from decimal import Decimal, localcontext
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from makenaide.domain.errors import Misconfigured
from makenaide.domain.money import Price
from makenaide.exchange.simulator.core.commandlog import rebuild
from makenaide.exchange.simulator.core.errors import Refused
from makenaide.exchange.simulator.core.operator import Operator
from makenaide.exchange.simulator.core.treasury import Direction, Move, TransferState, WalletState
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.core.wallet import EXACT
from makenaide.exchange.simulator.settings import SelfMatch, TakingPostOnly, VenueSettings
from makenaide.exchange.venue import Fence
from tests.unit.simulator_street import BEGIN, BTC, XRP, Step, Street, seconds
from tests.unit.test_simulator_venue_money import assert_locks_match

NAMES = ("one", "two")
FUNDS = {"KRW": Decimal(5_000_000), "BTC": Decimal("0.05"), "XRP": Decimal(3000)}

jumps = st.lists(st.sampled_from((98, 99, 100, 101, 103)), min_size=1, max_size=6)
volumes = st.decimals("0.001", "12", places=8).map(str)


@st.composite
def orders(draw: st.DrawFn) -> dict[str, str]:
    market = draw(st.sampled_from((BTC, XRP)))
    scale, unit = (1_000_000, 1000) if market == BTC else (10, 1)
    kind = draw(st.sampled_from(("limit", "limit", "price", "market", "best")))
    side = {"price": "bid", "market": "ask"}.get(kind) or draw(st.sampled_from(("bid", "ask")))
    body = {"market": market, "side": side, "ord_type": kind}
    if kind == "limit":
        body["price"] = str(draw(st.integers(97, 104)) * scale + draw(st.integers(0, 3)) * unit)
    elif side == "bid":
        body["price"] = str(draw(st.decimals("5000", "900000", places=3)))
    if kind == "limit" or side == "ask":
        volume = Decimal(draw(volumes))
        body["volume"] = str(volume / 1000 if market == BTC else volume * 10)
    times = {"limit": (None, None, "ioc", "fok", "post_only"), "best": ("ioc", "fok")}.get(kind, (None,))
    if (time := draw(st.sampled_from(times))) is not None:
        body["time_in_force"] = time
    if time != "post_only":
        body["smp_type"] = draw(st.sampled_from(("cancel_maker", "cancel_taker", "reduce", "none")))
    if draw(st.booleans()):
        body["identifier"] = draw(st.sampled_from("abcdefgh"))
    return body


currencies = st.sampled_from(("KRW", "BTC", "XRP"))
amounts = st.decimals("-2", "200", places=4)
moves = st.builds(
    Move,
    currency=currencies,
    amount=amounts,
    fee=st.sampled_from((Decimal(0), Decimal("0.01"))),
    state=st.sampled_from((None, *TransferState)),
)
replacements = st.builds(
    lambda volume, price, name: {"ord_type": "limit", "volume": volume, "price": str(price * 1_000_000)} | name,
    st.sampled_from(("remain_only", "0.001", "0.01")),
    st.integers(97, 104),
    st.sampled_from(({}, {"identifier": "i"}, {"identifier": "j"})),
)
commands = st.lists(
    st.one_of(
        st.tuples(st.just("order"), st.sampled_from(NAMES), orders()),
        st.tuples(st.just("cancel"), st.sampled_from(NAMES), st.integers(0, 20)),
        st.tuples(st.just("advance"), st.just(""), st.integers(1, 8_000)),
        st.tuples(st.just("tick"), st.just(""), st.integers(1, 3)),
        st.tuples(st.just("watch"), st.just(""), st.integers(1, 8_000)),
        st.tuples(st.just("cancel_many"), st.sampled_from(NAMES), st.integers(1, 20)),
        st.tuples(st.just("replace"), st.sampled_from(NAMES), st.tuples(st.integers(0, 20), replacements)),
        st.tuples(st.just("conditional"), st.sampled_from(NAMES), st.tuples(orders(), st.integers(97, 104))),
        st.tuples(st.just("deposit"), st.sampled_from(NAMES), moves),
        st.tuples(st.just("withdraw"), st.sampled_from(NAMES), moves),
        st.tuples(st.just("settle"), st.just(""), st.tuples(st.integers(0, 9), st.sampled_from(TransferState))),
        st.tuples(st.just("airdrop"), st.sampled_from(NAMES), st.tuples(currencies, amounts)),
        st.tuples(st.just("wallet"), st.just(""), st.tuples(currencies, st.sampled_from(WalletState))),
        st.tuples(st.just("address"), st.sampled_from(NAMES), currencies),
    ),
    max_size=25,
)
venue_settings = st.builds(
    VenueSettings,
    cancel_delay_ms=st.sampled_from((0, 0, 1_500, 60_000)),
    balance_lag_ms=st.sampled_from((0, 0, 700, 4_000)),
    average_with_fee=st.booleans(),
    self_match=st.sampled_from(SelfMatch),
    test_burns_identifier=st.booleans(),
    taking_post_only=st.sampled_from(TakingPostOnly),
)


def street(percents: list[int]) -> Street:
    steps: dict[str, list[Step]] = {BTC: [], XRP: []}
    for number, percent in enumerate(percents):
        steps[BTC].append((seconds(number * 2500), Decimal(percent * 1_000_000)))
        steps[XRP].append((seconds(number * 1900), Decimal(percent * 10)))
    return Street(steps=steps, size=Decimal("0.004"), volume=Decimal("0.0123456789"))  # type: ignore[arg-type]


def fresh(percents: list[int], settings: VenueSettings) -> Venue:
    return Venue(street(percents), settings)


def do(venue: Venue, command: tuple[str, str, object]) -> str:
    kind, name, detail = command
    try:
        match kind, detail:
            case "order", dict(body):
                return venue.place(name, body).uuid
            case "cancel", int(index):
                placed = list(venue.accounts[name].orders.values())
                return venue.cancel(placed[index % len(placed)]).uuid if placed else ""
            case "advance", int(length):
                venue.advance(venue.now + seconds(length))
            case "watch", int(length):
                fence = Fence(floor=Price(98_500_000), peak=Price(102_000_000))
                return venue.watch(venue.now + seconds(length), {BTC: fence}).isoformat()
            case _:
                return direct(Operator(venue), command)
    except (Refused, Misconfigured) as refusal:
        return str(refusal)
    return ""


def direct(operator: Operator, command: tuple[str, str, object]) -> str:
    venue = operator.venue
    match command:
        case "tick", _, int(length):
            venue.advance(venue.now + seconds(length))
        case "cancel_many", name, int(count):
            return str([order.uuid for order in venue.cancel_many(name, venue.accounts[name].history[-count:])])
        case "replace", name, (int(index), dict(body)):
            live = venue.accounts[name].live()
            return venue.replace(live[index % len(live)], body).uuid if live else ""
        case "conditional", name, (dict(body), int(percent)):
            scale = 1_000_000 if body["market"] == BTC else 10
            return operator.place_watch(name, body, Decimal(percent * scale)).uuid
        case "deposit", name, Move() as move:
            return operator.deposit(name, move).uuid
        case "withdraw", name, Move() as move:
            return operator.withdraw(name, move).uuid
        case "settle", _, (int(index), TransferState() as state):
            made = [each for name in NAMES for way in Direction for each in venue.treasury.of(name, way)]
            return str(operator.settle(made[index % len(made)].uuid, state)) if made else ""
        case "airdrop", name, (str(currency), Decimal() as change):
            operator.airdrop(name, currency, change)
        case "wallet", _, (str(currency), WalletState() as state):
            operator.set_wallet(currency, state)
        case "address", name, str(currency):
            operator.make_address(name, currency, currency)
    return ""


def totals(venue: Venue) -> dict[str, Decimal]:
    with localcontext(EXACT):
        sums: dict[str, Decimal] = {}
        for book in (venue.settlement.street, venue.settlement.fees, venue.settlement.outside):
            for currency, amount in book.items():
                sums[currency] = sums.get(currency, Decimal(0)) + amount
        for account in venue.accounts.values():
            for currency, holding in account.wallet:
                assert holding.free >= 0
                assert holding.locked >= 0
                assert holding.pending >= 0
                sums[currency] = sums.get(currency, Decimal(0)) + holding.total
        return sums


MET_AT_THE_END = {"market": XRP, "side": "bid", "ord_type": "limit", "price": "980", "volume": "5.10204090"}


@given(jumps, venue_settings, commands)
@example([98], VenueSettings(balance_lag_ms=700), [("order", "one", MET_AT_THE_END)])
@settings(max_examples=150)
def test_nothing_is_made_or_lost_and_locks_are_those_of_orders_and_withdrawals(
    percents: list[int], chosen: VenueSettings, script: list[tuple[str, str, object]]
) -> None:
    venue = fresh(percents, chosen)
    for name in NAMES:
        venue.open_account(name, FUNDS)
    for command in script:
        do(venue, command)
        assert totals(venue) == {currency: amount * len(NAMES) for currency, amount in FUNDS.items()}
        assert_locks_match(venue)
    venue.advance(venue.now + seconds(7 * 3600))
    for account in venue.accounts.values():
        assert account.live() == [order for order in account.orders.values() if order.live]
        assert not any(order.ending_at and order.live for order in account.history)
        # What is met at the very end of a stretch of time is rightly still on its way: nothing may be met any more.
        for order in account.live():
            venue.cancel(order)
    venue.advance(venue.now + seconds(3600))
    for account in venue.accounts.values():
        assert not any(holding.pending for _, holding in account.wallet)


@given(jumps, venue_settings, commands)
@settings(max_examples=60)
def test_the_same_commands_give_the_same_venue_also_from_its_log(
    percents: list[int], chosen: VenueSettings, script: list[tuple[str, str, object]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "commands.jsonl"
        logged, bare = fresh(percents, chosen), fresh(percents, chosen)
        log = rebuild(logged, path, "world")
        for venue in (logged, bare):
            for name in NAMES:
                venue.open_account(name, FUNDS)
        assert [do(logged, each) for each in script] == [do(bare, each) for each in script]
        assert logged.state() == bare.state()
        log.close()
        again = fresh(percents, chosen)
        rebuild(again, path, "world").close()
        again.journal = None
        # Time that nothing but the clock header moved is not in the log: the next header moves it again.
        again.advance(logged.now)
        assert again.state() == logged.state()
        assert again.now >= BEGIN
