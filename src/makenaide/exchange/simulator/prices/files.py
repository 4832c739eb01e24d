"""Replay: recorded candles from a file or a folder, as a `Tape`.

Of a folder only its own files count, not those of folders inside it. Several files of one market and length are
joined. Of each market the series that spans the longest time is the base; finer ones refine the path of a base
candle where they add up to it, coarser ones are left out with a note. Missing slots are data: nobody traded, or
the venue was down. Prices are kept as they were recorded, on the tick or off it.
"""

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from gzip import BadGzipFile, GzipFile
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from makenaide.domain.errors import BadCandles, Misconfigured
from makenaide.domain.market import Market, base_of
from makenaide.exchange.simulator.prices.bars import Bars, bars
from makenaide.exchange.simulator.prices.csvfile import csv_rows
from makenaide.exchange.simulator.prices.jsonfile import json_rows
from makenaide.exchange.simulator.prices.moments import MINUTE_MS
from makenaide.exchange.simulator.prices.names import coin_of
from makenaide.exchange.simulator.prices.rows import Rows
from makenaide.exchange.simulator.prices.tape import Source, Tape
from makenaide.exchange.simulator.prices.ticks import Floats

_ENDINGS = (".csv", ".json")
_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replay:
    """What a file or folder holds: the tape, what was left out and why, and the identity of the data."""

    tape: Tape
    notes: tuple[str, ...]
    fingerprint: str


def load(path: Path) -> Tape:
    """The tape of `read(path)`, for whom its notes do not matter."""
    return read(path).tape


def read(path: Path) -> Replay:
    """The candles at `path`; `Misconfigured` when there is no such path, `BadCandles` naming file and line."""
    contents = _contents(path)
    by_series: dict[tuple[Market, int], list[Rows]] = {}
    for file, content in contents:
        rows = _parsed(file, content)
        by_series.setdefault((rows.market, rows.minutes), []).append(rows)
    by_market: dict[Market, list[Rows]] = {}
    for (code, _), parts in sorted(by_series.items()):
        by_market.setdefault(code, []).append(_joined(parts))
    notes: list[str] = []
    sources = tuple(_source(series, notes) for series in by_market.values())
    return Replay(tape=Tape(sources=sources), notes=tuple(notes), fingerprint=_digest(contents))


def fingerprint(path: Path) -> str:
    """The SHA-256 of the data that `read(path)` would use: file names and unpacked contents."""
    return _digest(_contents(path))


def _digest(contents: Sequence[tuple[Path, bytes]]) -> str:
    digest = hashlib.sha256()
    for file, content in contents:
        for part in (file.name.removesuffix(".gz").encode(), content):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _contents(path: Path) -> list[tuple[Path, bytes]]:
    try:
        if not path.is_dir():
            return [(path, _unpacked(path))]
        files = sorted(each for each in path.iterdir() if each.is_file() and _usable(each))
        if not files:
            raise BadCandles(f"{path}: no file ends in .csv, .json, .csv.gz or .json.gz")
        return [(file, _unpacked(file)) for file in files]
    except OSError as cause:
        raise Misconfigured(f"--replay {path}: {cause.strerror or cause}") from cause


def _usable(file: Path) -> bool:
    return not file.name.startswith(".") and file.name.removesuffix(".gz").endswith(_ENDINGS)


def _unpacked(file: Path) -> bytes:
    raw = file.read_bytes()
    if not raw.startswith(_GZIP):
        return raw
    unpacked = bytearray()
    with GzipFile(fileobj=BytesIO(raw)) as packed:
        try:
            while chunk := packed.read(_CHUNK):
                unpacked += chunk
        except (EOFError, BadGzipFile, zlib.error) as cause:
            line = unpacked.count(b"\n") + 1
            raise BadCandles(f"{file}, line {line} or later: the gzip data is broken: {cause}") from cause
    return bytes(unpacked)


def _parsed(file: Path, content: bytes) -> Rows:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as cause:
        line = content.count(b"\n", 0, cause.start) + 1
        raise BadCandles(f"{file}, line {line}: not UTF-8 text") from cause
    if file.name.removesuffix(".gz").endswith(".json"):
        return json_rows(str(file), text)
    return csv_rows(file.name, str(file), text)


def _joined(parts: Sequence[Rows]) -> Rows:
    """One series out of several files; equal candles may be in more than one, different ones may not."""
    if len(parts) == 1:
        return parts[0]
    start = np.concatenate([part.start for part in parts])
    values = np.concatenate([part.values for part in parts])
    places = [f"{part.file}, {place}" for part in parts for place in part.places]
    order = np.argsort(start, kind="stable")
    again = np.flatnonzero(np.diff(start[order]) == 0) + 1
    same = _equal(values[order[again - 1]], values[order[again]])
    if not same.all():
        wrong = int(again[np.argmin(same)])
        raise BadCandles(f"{places[order[wrong]]}: another candle than at {places[order[wrong - 1]]}")
    kept = np.delete(order, again)
    return Rows(
        file=parts[0].file,
        market=parts[0].market,
        minutes=parts[0].minutes,
        places=[places[index] for index in kept.tolist()],
        start=start[kept],
        values=values[kept],
    )


def _equal(left: Floats, right: Floats) -> NDArray[np.bool_]:
    equal: NDArray[np.bool_] = ((left == right) | (np.isnan(left) & np.isnan(right))).all(axis=1)
    return equal


def _source(series: Iterable[Rows], notes: list[str]) -> Source:
    base, *others = sorted(series, key=_rank)
    finer = [each for each in others if each.minutes < base.minutes and base.minutes % each.minutes == 0]
    notes += [
        f"{each.market}: {each.minutes}-minute candles are left out beside {base.minutes}-minute ones"
        for each in others
        if each not in finer
    ]
    coin = coin_of(base.market)
    return Source(
        market=base.market,
        base=_bars(base),
        finer=tuple(_bars(each) for each in sorted(finer, key=lambda each: -each.minutes)),
        korean_name=coin.korean if coin else base_of(base.market),
        english_name=coin.english if coin else base_of(base.market),
    )


def _rank(rows: Rows) -> tuple[int, int]:
    """Longest span first, then the finer one."""
    return -(int(rows.start[-1] - rows.start[0]) + rows.minutes * MINUTE_MS), rows.minutes


def _bars(rows: Rows) -> Bars:
    opened, high, low, close, volume, turnover = (rows.values[:, place] for place in range(6))
    return bars(rows.minutes, rows.start, (opened, high, low, close), (volume, turnover))
