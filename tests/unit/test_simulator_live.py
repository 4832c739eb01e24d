"""Paper money on a real exchange: its books are kept, and the account is the same after every restart."""

import errno
import os
from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from makenaide.domain.errors import DiskFull, Inconsistent, Misconfigured, Unavailable, UnknownMarket
from makenaide.domain.order import Side
from makenaide.exchange.simulator.core.commandlog import CommandLog, rebuild
from makenaide.exchange.simulator.core.errors import Refused
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.prices.live import LiveData
from makenaide.exchange.simulator.settings import Pace, VenueSettings
from makenaide.exchange.venue import CandleUnit, Quotation
from tests.unit.simulator_street import BEGIN, BTC, ETH_BTC, XRP, Street, buy, flat, limit, seconds, sell
from tests.unit.upbit_script import StepClock, reply, stand
from tests.unit.upbit_street import exchange

WORLD = "f" * 64


def rising(**more: Any) -> Street:
    """KRW-BTC at 100 million won, an hour later at 120."""
    steps = {
        BTC: [(seconds(0), Decimal(100_000_000)), (seconds(3600), Decimal(120_000_000))],
        XRP: [(seconds(0), Decimal(1000))],
    }
    return Street(steps=steps, **more)


def data(folder: Path, street: Street, at: float) -> tuple[LiveData, StepClock]:
    """A process that starts `at` seconds after the beginning."""
    clock = StepClock(BEGIN + seconds(at))
    return LiveData(exchange(street, clock), clock.now(), folder / "books.jsonl"), clock


def paper(folder: Path, street: Street, at: float) -> tuple[Venue, CommandLog]:
    live, _ = data(folder, street, at)
    venue = Venue(live, VenueSettings(pace=Pace.REAL))
    return venue, rebuild(venue, folder / "commands.log", WORLD)


def traded(folder: Path, street: Street) -> list[str]:
    """Buy for 1,000,000 won after 10 s, sell a part after 20 s; the account as it then stands."""
    venue, log = paper(folder, street, 0)
    venue.open_account("paper", {"KRW": Decimal(10_000_000)})
    venue.advance(BEGIN + seconds(10))
    venue.place("paper", buy("1000000", identifier="first"))
    venue.advance(BEGIN + seconds(20))
    venue.place("paper", sell("0.001"))
    log.close()
    return venue.state()


def test_a_restarted_account_has_the_very_same_fills_though_prices_moved_on(tmp_path: Path) -> None:
    before = traded(tmp_path, rising())
    venue, log = paper(tmp_path, rising(), 7200)
    log.close()
    assert venue.state() == before
    assert venue.accounts["paper"].identifiers["first"] is not None


def test_a_market_that_was_delisted_since_does_not_keep_the_account_from_coming_back(tmp_path: Path) -> None:
    street = rising(delisted={BTC: BEGIN + seconds(3600)})
    before = traded(tmp_path, street)
    venue, log = paper(tmp_path, street, 7200)
    assert venue.state() == before
    venue.advance(BEGIN + seconds(7200))
    assert [each.market for each in venue.floor.listed().values()] == [XRP]
    with pytest.raises(Refused, match="notfoundmarket"):
        venue.place("paper", sell("0.001"))
    log.close()


def test_an_order_in_a_market_that_the_exchange_closed_meanwhile_is_refused_by_name(tmp_path: Path) -> None:
    venue, log = paper(tmp_path, rising(delisted={BTC: BEGIN}), 0)
    venue.data._listed = flat().listings(BEGIN)  # type: ignore[attr-defined]
    venue.open_account("paper", {"KRW": Decimal(10_000_000)})
    with pytest.raises(Refused, match="notfoundmarket"):
        venue.place("paper", buy("1000000"))
    log.close()


class Breaking:
    """A quotation whose books cannot be had while it is `down`."""

    def __init__(self, quotation: Quotation) -> None:
        self.quotation = quotation
        self.down = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.quotation, name)

    def books(self, markets: Any) -> Any:
        if self.down:
            raise Unavailable("the exchange answers 503")
        return self.quotation.books(markets)


def broken(folder: Path, settings: VenueSettings) -> tuple[Venue, Breaking]:
    """A paper account with ten million won on an exchange that has just gone down."""
    live, clock = data(folder, rising(), 0)
    live._quotation = line = Breaking(exchange(rising(), clock))  # type: ignore[assignment]
    venue = Venue(live, settings)
    venue.open_account("paper", {"KRW": Decimal(10_000_000)})
    return venue, line


@pytest.mark.parametrize("body", [limit("bid", "101000000", "0.01", time_in_force="ioc"), buy("1000000")])
def test_an_order_whose_book_cannot_be_had_leaves_nothing_behind(tmp_path: Path, body: dict[str, str]) -> None:
    venue, line = broken(tmp_path, VenueSettings(pace=Pace.REAL))
    before = venue.state()
    with pytest.raises(Unavailable, match="503"):
        venue.place("paper", body | {"identifier": "once"})
    assert venue.state() == before
    line.down = False
    venue.place("paper", body | {"identifier": "once"})
    assert venue.accounts["paper"].history[0].executed > 0


def test_a_replacement_whose_book_cannot_be_had_is_made_when_it_can(tmp_path: Path) -> None:
    venue, line = broken(tmp_path, VenueSettings(pace=Pace.REAL, cancel_delay_ms=1000))
    line.down = False
    venue.place("paper", limit("bid", "90000000", "0.1"))
    [old] = venue.accounts["paper"].history
    named = venue.replace(old, {"ord_type": "limit", "price": "101000000", "volume": "0.01"})
    line.down = True
    with pytest.raises(Unavailable, match="503"):
        venue.advance(BEGIN + seconds(5))
    assert old.open
    line.down = False
    venue.advance(BEGIN + seconds(5))
    assert (old.status, venue.accounts["paper"].orders[named.uuid].status) == ("cancel", "done")


def test_the_list_is_the_very_same_while_nothing_of_it_changes(tmp_path: Path) -> None:
    live, _ = data(tmp_path, rising(), 0)
    live.book(BTC, BEGIN)
    assert live.listings(BEGIN) is live.listings(BEGIN + seconds(1))


def test_an_exchange_that_is_down_at_the_start_is_unavailable_and_the_log_is_not_to_blame(tmp_path: Path) -> None:
    traded(tmp_path, rising())
    down = stand([reply(b"", status=500)], keys=None)
    live = LiveData(down.client, BEGIN + seconds(7200), tmp_path / "books.jsonl")
    with pytest.raises(Unavailable):
        rebuild(Venue(live, VenueSettings(pace=Pace.REAL)), tmp_path / "commands.log", WORLD)


def test_a_line_torn_by_a_crash_is_forgotten_and_never_grown_onto(tmp_path: Path) -> None:
    file = tmp_path / "books.jsonl"
    live, _ = data(tmp_path, rising(), 0)
    first = live.book(BTC, BEGIN)
    whole = file.read_bytes()
    file.write_bytes(whole + whole[: len(whole) // 2])
    again, _ = data(tmp_path, rising(), 60)
    assert again.book(BTC, BEGIN) == first
    later = again.book(BTC, BEGIN + seconds(60))
    third, _ = data(tmp_path, rising(), 7200)
    assert third.book(BTC, BEGIN + seconds(60)) == later
    assert file.read_bytes().count(b"\n") == 2


def test_a_full_disk_is_named_and_the_next_book_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live, _ = data(tmp_path, rising(), 0)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(DiskFull, match=r"books\.jsonl"):
            live.book(BTC, BEGIN)
    kept = live.book(XRP, BEGIN)
    again, _ = data(tmp_path, rising(), 7200)
    assert again.book(XRP, BEGIN) == kept
    assert (tmp_path / "books.jsonl").read_bytes().count(b"\n") == 1


SOUND = '{"market":"KRW-BTC","at":"2026-01-05T00:00:00Z","bids":[["99","1"]],"asks":[["100","1"]]}\n'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (',"asks":[["100","1"]]', ""),
        ("00:00Z", "00:00"),
        ("2026-01-05T00:00:00Z", "0001-01-01T00:00:00+09:00"),
        ('"99"', '"NaN"'),
        ('"99"', '"sNaN"'),
        ('"100"', '"Infinity"'),
        ('"100"', '"1e999999"'),
        ('"99"', '"0"'),
        ('"1"', '"-1"'),
        ("}", ',"x":' + "[" * 100_000 + "]" * 100_000 + "}"),
    ],
)
def test_a_line_that_is_no_book_is_named(tmp_path: Path, old: str, new: str) -> None:
    file = tmp_path / "books.jsonl"
    file.write_text(SOUND)
    assert data(tmp_path, rising(), 0)[0].book(BTC, BEGIN).bids == ((Decimal(99), Decimal(1)),)
    file.write_text(SOUND.replace(old, new))
    with pytest.raises(Inconsistent, match=r"books\.jsonl line 1"):
        data(tmp_path, rising(), 0)


def test_a_book_that_could_not_be_read_back_is_neither_kept_nor_used(tmp_path: Path) -> None:
    live, _ = data(tmp_path, rising(size=Decimal("1e-25")), 0)
    with pytest.raises(Unavailable, match="KRW-BTC: its book cannot be used"):
        live.book(BTC, BEGIN)
    assert not (tmp_path / "books.jsonl").exists()


@pytest.mark.parametrize(("code", "named"), [("krw-btc", True), ("nonsense", True), ("KRW-BTX", False)])
def test_of_a_young_market_paper_money_checks_the_spelling_alone(tmp_path: Path, code: str, named: bool) -> None:
    live, _ = data(tmp_path, rising(), 0)
    with pytest.raises(Misconfigured, match=f"limit_only: unknown market {code}") if named else nullcontext():
        Venue(live, VenueSettings(pace=Pace.REAL, limit_only=(code,)))


def test_the_price_is_the_middle_of_the_book_and_an_empty_book_has_none(tmp_path: Path) -> None:
    live, _ = data(tmp_path, rising(), 0)
    assert live.price(BTC, BEGIN) == Decimal("99999500")
    assert len(live.book(BTC, BEGIN, depth=3).bids) == 3
    empty, _ = data(tmp_path / "empty", rising(levels=0), 0)
    (tmp_path / "empty").mkdir()
    assert empty.book(BTC, BEGIN).bids == ()
    with pytest.raises(UnknownMarket, match="empty"):
        empty.price(BTC, BEGIN)


def test_charts_belong_to_the_real_exchange_and_nothing_of_ours_rests(tmp_path: Path) -> None:
    live, _ = data(tmp_path, flat(), 0)
    assert [each.market for each in live.listings(BEGIN)] == [ETH_BTC, BTC, XRP]
    assert (live.start, live.first_slot, live.offline(BEGIN)) == (BEGIN, BEGIN, False)
    assert live.end > BEGIN
    with pytest.raises(Inconsistent, match="candles"):
        live.candles(BTC, CandleUnit.DAYS, BEGIN, 1, BEGIN)
    with pytest.raises(Inconsistent, match="ticker"):
        live.day(BTC, BEGIN)
    nothing = (
        live.touch(BTC, BEGIN, live.end, Decimal(1), Decimal(2)),  # type: ignore[func-returns-value]
        live.crossing(BTC, BEGIN, live.end, Side.BID, Decimal(1)),  # type: ignore[func-returns-value]
    )
    assert nothing == (None, None)
