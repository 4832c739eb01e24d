"""Sales that go wrong at the venue: too few coins, absurd prices, parts shown late."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from makenaide.domain.intent import WITH_DUST
from makenaide.domain.money import Quantity
from makenaide.exchange.venue import PlacedOrder
from makenaide.execution.leave import leave
from makenaide.pipeline.interlude import take_in
from makenaide.store.db import Database
from makenaide.store.journal import all_fills
from makenaide.store.orders import unsettled_orders
from tests.contract.charts import ETH, FIRST, bitcoin, hours, tape
from tests.contract.faults import Fault, Kind
from tests.contract.guarding import SLUMP, disguise, fallen, guarded, holding, never, rounds, third
from tests.contract.trading import NAME, Exchange, open_trader, whole


def test_few_free_coins_make_no_dust_of_the_position(journal: Database) -> None:
    trader = holding(journal)
    trader.clock.move_to(FIRST + hours(20))
    wallet = trader.exchange.venue.accounts[NAME].wallet
    wallet.credit("ETH", Decimal("-0.0995"))
    guarded(trader.guard, trader.clock.now() + timedelta(seconds=3))
    wallet.credit("ETH", Decimal("0.0995"))
    guarded(trader.guard, FIRST + hours(24))
    take_in(trader.session)
    assert trader.positions() == ()


def test_a_sale_booked_in_part_while_it_is_open_counts_once(journal: Database) -> None:
    trader = fallen(journal)
    state, part = ["wait"], Quantity("0.0499")

    def shows(placed: PlacedOrder) -> PlacedOrder:
        if not str(placed.identifier).endswith("x01"):
            return placed
        trade = replace(placed.trades[0], volume=part, funds=placed.trades[0].price * part)
        return replace(placed, state=state[0], executed=part, trades_count=1, trades=(trade,))

    disguise(trader, shows)
    trader.guard.until(trader.clock.now() + timedelta(seconds=1), never)
    trader.exchange.venue.accounts[NAME].wallet.credit("ETH", Decimal("0.0501"))
    take_in(trader.session)
    state[0] = "cancel"
    rounds(trader, 4, minutes=5)
    assert trader.positions() == ()


def test_a_market_back_from_trouble_is_sold_in_soon(journal: Database) -> None:
    trader = fallen(journal)
    trader.wire.faults.append(Fault(kind=Kind.OFFLINE, times=10_000))
    guarded(trader.guard, trader.clock.now() + timedelta(minutes=16))
    trader.wire.faults.clear()
    back = trader.clock.now()
    guarded(trader.guard, back + timedelta(minutes=20))
    take_in(trader.session)
    assert all_fills(journal, trader.account.account_id)[-1].fill.at - back < timedelta(minutes=5)


def test_coins_with_more_digits_than_trade_leave_no_order_in_doubt(journal: Database) -> None:
    trader = fallen(journal)
    trader.exchange.venue.accounts[NAME].wallet.credit("ETH", Decimal("-0.040000000001"))
    guarded(trader.guard, trader.clock.now() + timedelta(minutes=1))
    take_in(trader.session)
    assert unsettled_orders(journal, trader.account.account_id) == ()


def test_a_sale_of_a_part_leaves_the_dust_alone_and_one_of_the_rest_takes_it_along(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=tape(bitcoin(2), replace(SLUMP, days=[-0.10, 0.2, -0.2, 0.0]))))
    trader.buy(ETH, "0.00101")
    trader.watch(FIRST + hours(24))
    trader.buy(ETH, "0.1", slot=FIRST + hours(24))
    dust, held = sorted(trader.positions(), key=lambda each: not each.dust)
    assert (dust.dust, held.dust) == (True, False)
    part = leave(trader.desk, trader.account, held, third(trader))
    assert part is not None
    assert (part.request.volume, WITH_DUST in part.evidence) == (Quantity("0.03"), False)
    left = next(each for each in trader.positions() if not each.dust)
    rest = leave(trader.desk, trader.account, left, whole(left))
    assert rest is not None
    assert rest.request.volume == Quantity("0.07101")
    assert rest.evidence[WITH_DUST] == {dust.position_id: "0.00101"}
    assert trader.positions() == ()
