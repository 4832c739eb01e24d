"""The same seed and the same calls give the same bytes: in process, over a socket, and after a restart."""

import http.client
import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlencode

import pytest

from makenaide.exchange.http import Pairs, Request
from makenaide.exchange.simulator.core.commandlog import rebuild
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.prices.generator import generate
from makenaide.exchange.simulator.prices.model import GeneratorSettings
from makenaide.exchange.simulator.prices.tape import Tape
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.server import Server
from makenaide.exchange.simulator.settings import ApiKey, FaceSettings, VenueSettings
from tests.contract.serving import running
from tests.unit.simulator_street import SECRET, token

pytestmark = pytest.mark.sockets

CALLS = 300
TAPE = GeneratorSettings(seed=11, markets=12, history_days=40, days=3, first_day=date(2026, 1, 5))
Answer = tuple[int, bytes, tuple[tuple[str, str], ...]]
Ask = Callable[[Request], Answer]


@dataclass(frozen=True, slots=True)
class World:
    """A venue over the tape, kept in a command log, behind a face."""

    venue: Venue
    face: Face


@contextmanager
def world(tape: Tape, log: Path, seed: int) -> Iterator[World]:
    """The world of `log`, opened for the first time or again."""
    venue = Venue(tape, VenueSettings(seed=seed))
    with closing(rebuild(venue, log, f"sameness {seed}")):
        if "paper" not in venue.accounts:
            venue.open_account("paper", {"KRW": Decimal(100_000_000), "BTC": Decimal(1)})
        yield World(venue, Face(venue, [ApiKey(access="paper", secret=SECRET, account="paper")], FaceSettings()))


def in_process(face: Face) -> Ask:
    """Ask `face` itself."""

    def ask(request: Request) -> Answer:
        reply = face.handle(request)
        return reply.status, reply.body, tuple(sorted(reply.headers.items()))

    return ask


@contextmanager
def over_a_socket(face: Face) -> Iterator[Ask]:
    """Ask a server of `face`, on one connection."""

    def ask(request: Request) -> Answer:
        target = f"{request.path}?{urlencode(request.query)}" if request.query else request.path
        connection.request(request.method, target, request.body, dict(request.headers))
        reply = connection.getresponse()
        body = reply.read()
        headers = {name.lower(): value for name, value in reply.getheaders()}
        del headers["content-length"]
        return reply.status, body, tuple(sorted(headers.items()))

    with (
        running(Server(face)) as port,
        closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection,
    ):
        yield ask


class Script:
    """Draws one call after the other; what it draws depends on the seed and on the answers alone."""

    def __init__(self, tape: Tape, seed: int) -> None:
        self._rng = random.Random(seed)
        self._tape = tape
        self._markets = [each.market for each in tape.listings(tape.first_slot)]
        self._now = tape.first_slot
        self._uuids: list[str] = []
        self._calls = 0

    def run(self, ask: Ask, calls: int = CALLS) -> list[Answer]:
        """Make `calls` calls; the answers."""
        answers = []
        for _ in range(calls):
            answer = ask(self._next())
            answers.append(answer)
            if answer[0] == 201:
                self._uuids.append(json.loads(answer[1])["uuid"])
        return answers

    def _next(self) -> Request:
        self._calls += 1
        step = self._rng.choice([0, 0, 0.05, 0.25, 1, 60, 900])
        self._now = min(self._now + timedelta(seconds=step), self._tape.end)
        kind = self._rng.choice([self._quotation, self._quotation, self._signed, self._order, self._order])
        return kind()

    def _quotation(self) -> Request:
        market = self._rng.choice([*self._markets, "KRW-NONE"])
        path, query = self._rng.choice(
            [
                ("/v1/market/all", (("is_details", "true"),)),
                ("/v1/candles/minutes/1", (("market", market), ("count", "50"))),
                ("/v1/candles/seconds", (("market", market), ("count", "5"))),
                ("/v1/candles/days", (("market", market), ("count", "5"))),
                ("/v1/trades/ticks", (("market", market), ("count", "20"))),
                ("/v1/ticker", (("markets", market),)),
                ("/v1/ticker/all", (("quote_currencies", "KRW"),)),
                ("/v1/orderbook", (("markets", market), ("count", "5"))),
                ("/v1/unheard", ()),
            ]
        )
        packed = {"Accept-Encoding": self._rng.choice(["gzip", "identity"])}
        return Request(method="GET", path=path, query=query, headers=self._stamped() | packed)

    def _signed(self) -> Request:
        uuid = self._rng.choice([*self._uuids, "00000000-0000-0000-0000-000000000000"])
        method, path, query = self._rng.choice(
            [
                ("GET", "/v1/accounts", ()),
                ("GET", "/v1/orders/open", ()),
                ("GET", "/v1/orders/closed", ()),
                ("GET", "/v1/order", (("uuid", uuid),)),
                ("DELETE", "/v1/order", (("uuid", uuid),)),
                ("GET", "/v1/orders/uuids", (("uuids[]", uuid),)),
            ]
        )
        return Request(method=method, path=path, query=query, headers=self._stamped() | self._token(query))

    def _order(self) -> Request:
        market = self._rng.choice(self._markets)
        price = self._tape.price(market, self._now)
        volume = f"{9000 / price:.8f}"
        body: Mapping[str, str] = self._rng.choice(
            [
                {"market": market, "side": "bid", "ord_type": "price", "price": "7000"},
                {"market": "KRW-BTC", "side": "ask", "ord_type": "market", "volume": "0.001"},
                {
                    "market": market,
                    "side": "bid",
                    "ord_type": "limit",
                    "price": f"{price}",
                    "volume": volume,
                },
                {"market": market, "side": "bid", "ord_type": "limit", "price": "1", "volume": "1"},
            ]
        )
        named = {**body, "identifier": f"own-{self._calls}"}
        headers = self._stamped() | self._token(tuple(named.items())) | {"Content-Type": "application/json"}
        return Request(method="POST", path="/v1/orders", headers=headers, body=json.dumps(named).encode())

    def _stamped(self) -> dict[str, str]:
        return {"Makenaide-Time": self._now.isoformat(timespec="microseconds")}

    def _token(self, pairs: Pairs) -> dict[str, str]:
        text = "&".join(f"{name}={value}" for name, value in pairs)
        return {"Authorization": token("paper", text, f"nonce-{self._calls}")}


@pytest.fixture(scope="module")
def tape() -> Tape:
    return generate(TAPE)


@pytest.mark.parametrize("seed", [1, 2])
def test_over_a_socket_come_the_bytes_that_come_in_process(tape: Tape, tmp_path: Path, seed: int) -> None:
    with world(tape, tmp_path / "one", seed) as one:
        expected = Script(tape, seed).run(in_process(one.face))
    with world(generate(TAPE), tmp_path / "other", seed) as other, over_a_socket(other.face) as ask:
        seen = Script(tape, seed).run(ask)
    assert seen == expected
    statuses = {status for status, _, _ in expected}
    assert {200, 201, 400, 404} <= statuses
    assert sum(status == 201 for status, _, _ in expected) > 30


@pytest.mark.parametrize("seed", [3, 4])
def test_a_restart_from_the_command_log_changes_no_byte(tape: Tape, tmp_path: Path, seed: int) -> None:
    with world(tape, tmp_path / "one", seed) as one:
        script = Script(tape, seed)
        script.run(in_process(one.face))
        whole = script.run(in_process(one.face))
        state = one.venue.state()
    script = Script(tape, seed)
    with world(tape, tmp_path / "other", seed) as before:
        script.run(in_process(before.face))
    with world(tape, tmp_path / "other", seed) as after:
        # What only the face counts, the calls left in a window, begins anew.
        assert [each[:2] for each in script.run(in_process(after.face))] == [each[:2] for each in whole]
        assert after.venue.state() == state


def test_another_seed_gives_other_bytes(tape: Tape, tmp_path: Path) -> None:
    answers = []
    for seed in (1, 2):
        with world(tape, tmp_path / str(seed), seed) as here:
            answers.append(Script(tape, 1).run(in_process(here.face)))
    assert answers[0] != answers[1]
