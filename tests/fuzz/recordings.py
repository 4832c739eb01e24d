"""Recorded candles: files of any bytes and any name, and what is done with those that can be read."""

import gzip
import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from makenaide.domain.errors import Misconfigured
from makenaide.exchange.simulator.prices.files import load
from makenaide.exchange.simulator.prices.tape import Tape
from makenaide.exchange.venue import CandleUnit
from tests.fuzz.material import NUMBERS, WORDS, changed, junk, spelled, spoiled, text
from tests.fuzz.sound import require_words

_START = datetime(2026, 1, 5, tzinfo=UTC)
_NAMES = (
    "KRW-BTC_60m.csv",
    "KRW-BTC_1d.csv",
    "KRW-XRP_7m.csv",
    "KRW-BTC_0m.csv",
    "BTC_60m.csv",
    "KRW-BTC_9999d.csv",
    "x.csv",
)
_HEADER = "timestamp,open,high,low,close,volume"


@dataclass(frozen=True, slots=True)
class Recording:
    """A file."""

    name: str
    raw: bytes


class Recordings:
    """Reading a file, and asking the tape that it makes."""

    def make(self, rng: random.Random) -> Recording:
        if rng.random() < 0.5:
            name, raw = "candles.json", _json(rng)
        else:
            name, raw = _csv(rng)
        if rng.random() < 0.2:
            raw = gzip.compress(raw, 1, mtime=0)
            name += ".gz"
        if rng.random() < 0.3:
            raw = spoiled(raw, rng)
        return Recording(name, raw if rng.random() < 0.95 else junk(rng))

    def check(self, given: object) -> None:
        assert isinstance(given, Recording)
        with TemporaryDirectory() as folder:
            file = Path(folder) / given.name
            file.write_bytes(given.raw)
            try:
                tape = load(file)
            except Misconfigured as error:
                require_words(error, 10 * len(given.raw) + 1000)  # it may quote the file
            else:
                _require_tape(tape)

    def close(self) -> None:
        """Each input is a file of its own."""


def recordings(_rng: random.Random) -> Recordings:
    """A bench of files."""
    return Recordings()


def _require_tape(tape: Tape) -> None:
    for at in (tape.first_slot, min(tape.first_slot + timedelta(days=1), tape.end), tape.end):
        for listing in tape.listings(at):
            assert tape.price(listing.market, at) > 0
            book = tape.book(listing.market, at)
            assert all(price > 0 and size > 0 for side in (book.bids, book.asks) for price, size in side)
            for unit in (CandleUnit.SECONDS, CandleUnit.DAYS, CandleUnit.YEARS):
                assert len(tape.candles(listing.market, unit, at, 3, at)) <= 3


def _rows(rng: random.Random) -> list[tuple[datetime, float, float, float, float, float]]:
    price, found = rng.choice((1e8, 500.0, 0.01, 3e-6)), []
    step = timedelta(minutes=rng.choice((60, 60, 1440)))
    for number in range(rng.choice((1, 2, 5, 30))):
        close = price * rng.choice((0.9, 1.0, 1.1))
        found.append((_START + step * number, price, max(price, close), min(price, close), close, rng.random()))
        price = close
    return found


def _csv(rng: random.Random) -> tuple[str, bytes]:
    cells = [[at.isoformat(), *map(repr, values)] for at, *values in _rows(rng)]
    header = _HEADER if rng.random() < 0.6 else f"{_HEADER},turnover"
    if header != _HEADER:
        cells = [[*row, "12.5"] for row in cells]
    if rng.random() < 0.6:
        row = rng.choice(cells)
        row[rng.randrange(len(row))] = rng.choice((*NUMBERS, *WORDS)) if rng.random() < 0.9 else text(rng)
    if rng.random() < 0.1:
        rng.shuffle(cells)
    daily = len(cells) > 1 and cells[1][0][11:13] == cells[0][0][11:13]
    name = _NAMES[daily] if rng.random() < 0.85 else rng.choice(_NAMES)
    lines = [header, *map(",".join, cells)]
    return name, rng.choice(("\n", "\n", "\r\n")).join(lines).encode("utf-8", "surrogatepass")


def _json(rng: random.Random) -> bytes:
    rows: Any = []
    daily = rng.random() < 0.4
    for at, opened, high, low, close, volume in _rows(rng):
        row = {
            "market": "KRW-BTC",
            "candle_date_time_utc": at.isoformat()[:19],
            "opening_price": opened,
            "high_price": high,
            "low_price": low,
            "trade_price": close,
            "candle_acc_trade_volume": volume,
            "candle_acc_trade_price": volume * close,
        }
        rows.append(row | ({"prev_closing_price": opened} if daily else {"unit": rng.choice((60, 60, 60, 1))}))
    if rng.random() < 0.5:
        rows.reverse()
    if rng.random() < 0.7:
        rows = changed(rows, rng)
    return spelled(rows, rng) if rng.random() < 0.9 else json.dumps(rows).encode()
