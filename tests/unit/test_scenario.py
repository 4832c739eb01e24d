"""Scenario files: what they may say, how a mistake in them is told, and what each sample does to its world."""

import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from makenaide.app import scenario as scenarios
from makenaide.app import world as worlds
from makenaide.app.clock import StopFlag, WallClock
from makenaide.app.scenario import Scenario
from makenaide.app.serve import sound_data
from makenaide.app.world import World
from makenaide.config import Config
from makenaide.domain.errors import Misconfigured
from makenaide.exchange.http import Interrupted, Request, Response
from makenaide.exchange.simulator.faults.courier import Courier
from makenaide.exchange.simulator.faults.transport import DoorTransport
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import Pace
from makenaide.exchange.upbit.auth import Keys, bearer
from tests.unit.simulator_street import buy, decoded, error_name, limit
from tests.unit.source_tree import REPOSITORY

SAMPLES = REPOSITORY / "samples" / "scenarios"
MARKET = replace(Config().market, days=3, markets=8, history_days=30)


@dataclass
class Bot:
    """Calls the world of a scenario in process, with a key of that world."""

    world: World
    face: Face
    door: Courier
    key: Keys
    interrupted: int = 0
    replies: list[Response] = field(default_factory=list)

    def call(
        self, method: str, target: str, body: dict[str, str] | None = None, after: float = 0
    ) -> Response | None:
        """The reply, None when none came; `after` is in seconds from the start."""
        path, _, query = target.partition("?")
        text = query if body is None else "&".join(f"{name}={value}" for name, value in body.items())
        at = self.face.venue.data.first_slot + timedelta(seconds=after)
        headers = {"authorization": bearer(self.key, str(uuid4()), text), "makenaide-time": at.isoformat()}
        pairs = tuple(
            (name, value) for name, _, value in (part.partition("=") for part in query.split("&") if part)
        )
        request = Request(
            method=method,
            path=path,
            query=pairs,
            headers=headers | {"content-type": "application/json; charset=utf-8"},
            body=None if body is None else json.dumps(body).encode(),
        )
        try:
            reply = DoorTransport(door=self.door, patience=5).send(request)
        except Interrupted:
            self.interrupted += 1
            return None
        self.replies.append(reply)
        return reply

    def must(self, method: str, target: str, body: dict[str, str] | None = None, after: float = 0) -> Response:
        """The reply that has to come."""
        reply = self.call(method, target, body, after)
        assert reply is not None
        return reply

    def markets(self, after: float) -> dict[str, Any]:
        """What is listed, with the notices about it."""
        rows = decoded(self.must("GET", "/v1/market/all?is_details=true", after=after))
        return {row["market"]: row["market_event"] for row in rows}


def opened(folder: Path, scenario: Scenario, key: str = worlds.MAIN_KEY) -> Bot:
    """The stepped world of `scenario`, opened anew or again."""
    world = World(folder=str(folder), market=MARKET, balances={"KRW": Decimal(10_000_000)})
    world = scenario.applied(world)
    worlds.save(world)
    assert worlds.load(world.file) == world
    data = worlds.market_data(worlds.load(world.file))
    face, log = worlds.open_face(world, data, None)
    log.close()
    face.venue.journal = None
    return Bot(world, face, worlds.open_door(world, face, None), worlds.keys(world, key))


def sample(name: str) -> Scenario:
    """One of the sample scenarios."""
    return scenarios.load(SAMPLES / f"{name}.toml")


def written(folder: Path, text: str) -> Path:
    """A scenario file."""
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_every_sample_loads_and_opens(tmp_path: Path) -> None:
    names = sorted(file.stem for file in SAMPLES.glob("*.toml"))
    assert names == ["calm", "delisting", "lost-replies", "maintenance", "sockets", "storm"]
    for name in names:
        assert opened(tmp_path / name, sample(name)).call("GET", "/v1/market/all") is not None


def test_calm_gives_more_money_another_account_and_a_key_that_only_looks(tmp_path: Path) -> None:
    bot = opened(tmp_path, sample("calm"))
    held = {row["currency"]: row["balance"] for row in decoded(bot.must("GET", "/v1/accounts"))}
    assert (held["KRW"], held["BTC"]) == ("30000000", "0.5")
    assert bot.must("POST", "/v1/orders", buy("6000")).status == 201
    bot.key = worlds.keys(bot.world, "second")
    assert decoded(bot.must("GET", "/v1/accounts"))[0]["balance"] == "1000000"
    expired = 366 * 86_400
    bot.key = worlds.keys(bot.world, "reader")
    assert bot.must("GET", "/v1/accounts").status == 200
    assert error_name(bot.must("POST", "/v1/orders", buy("6000"))) == "out_of_scope"
    bot.key = worlds.keys(bot.world, "second")
    assert error_name(bot.must("GET", "/v1/accounts", after=expired)) == "expired_access_key"


def test_lost_replies_lose_replies_and_keep_orders(tmp_path: Path) -> None:
    bot = opened(tmp_path, sample("lost-replies"))
    acknowledged = set()
    for number in range(80):
        reply = bot.call("POST", "/v1/orders", buy("6000", identifier=f"n{number}"), after=number)
        if reply is not None and reply.status == 201:
            acknowledged.add(f"n{number}")
    bot.call("GET", "/v1/accounts", after=100)
    placed = [order.ticket.identifier for order in bot.face.venue.accounts["paper"].orders.values()]
    assert len(placed) == len(set(placed)), "an identifier bought twice"
    assert acknowledged < set(placed), "no order was placed without a reply"
    assert len(placed) < 80, "no request was lost"
    assert bot.interrupted > 10


def test_the_storm_answers_with_everything_but_a_sound_reply(tmp_path: Path) -> None:
    bot = opened(tmp_path, sample("storm"))
    for number in range(200):
        bot.call("GET", "/v1/candles/days?market=KRW-BTC", after=number)
        bot.call("POST", "/v1/orders", buy("6000"), after=number)
    statuses = {reply.status for reply in bot.replies}
    assert statuses >= {200, 201, 418, 429, 500, 502, 503}
    assert any(reply.status == 200 and reply.body.startswith(b"<html>") for reply in bot.replies)
    assert any(reply.status == 503 and not reply.body for reply in bot.replies)
    assert bot.interrupted > 0
    bot.door.faults.clear()
    for _ in range(6):
        assert bot.must("POST", "/v1/orders", buy("6000"), after=400).status == 201
    assert bot.must("POST", "/v1/orders", buy("6000"), after=400).status == 429
    first = parsedate_to_datetime(bot.replies[0].headers["date"])
    slow = bot.face.venue.data.first_slot - first
    assert slow == timedelta(seconds=5)


def test_maintenance_stops_trading_and_the_balances_lag_afterwards(tmp_path: Path) -> None:
    bot = opened(tmp_path, sample("maintenance"))
    assert bot.must("POST", "/v1/orders", buy("6000"), after=119).status == 201
    for number in range(60):
        bot.call("POST", "/v1/orders", buy("6000"), after=125 + number)
    down = {reply.status for reply in bot.replies[1:]}
    assert down == {403, 503}
    assert bot.interrupted > 0
    bot.replies.clear()
    resting = decoded(bot.must("POST", "/v1/orders", limit("bid", "1000000", "0.01"), after=425))["uuid"]
    bot.must("DELETE", f"/v1/order?uuid={resting}", after=426)
    assert decoded(bot.must("GET", f"/v1/order?uuid={resting}", after=426.7))["state"] == "wait"
    assert decoded(bot.must("GET", f"/v1/order?uuid={resting}", after=426.8))["state"] == "cancel"


def test_markets_come_change_and_go(tmp_path: Path) -> None:
    bot = opened(tmp_path, sample("delisting"))
    start = bot.markets(0)
    assert "KRW-SOL" not in start
    assert not start["KRW-XRP"]["warning"]
    assert bot.markets(61)["KRW-XRP"]["warning"]
    assert bot.markets(121)["KRW-ETH"]["caution"]["PRICE_FLUCTUATIONS"]
    assert "KRW-SOL" in bot.markets(301)
    after = bot.markets(361)
    assert ("KRW-DOGE" in after, "KRW-DOGE2" in after) == (False, True)
    held = decoded(bot.must("GET", "/v1/orderbook?markets=KRW-BTC", after=362))[0]["orderbook_units"]
    assert [row["bid_size"] > 0 for row in held] == [True] * 3 + [False] * 27
    tick = decoded(bot.must("GET", "/v1/orderbook/instruments?markets=KRW-BTC", after=541))[0]["tick_size"]
    assert Decimal(tick) == 5000
    assert "KRW-XRP" not in bot.markets(601)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[venu]", "venu: unknown table; did you mean venue?"),
        ("[venue]\nfee_krv = 1", "venue.fee_krv: unknown setting; did you mean fee_krw?"),
        ("[venue]\nfee_krw = 2", "venue.fee_krw: expected 0 <= value"),
        ("[venue]\nseed = 2", "venue.seed: --seed chooses it"),
        ("[venue]\npace = 'real'", "venue.pace: --stepped chooses it"),
        ("[face.quota]\nenforced = false", "face.quota: the table quota holds it"),
        ("venue = 3", "venue: expected a table"),
        (
            "[venue]\nbeyond_book = 'volume_to_large'",
            "venue.beyond_book: unknown error name volume_to_large; did you mean volume_too_large?",
        ),
        ("[venue]\npreview_refusal = 'market_ofline'", "venue.preview_refusal: unknown error name market_ofline"),
        ("[venue]\nmissing_withdrawal = 'not_found'", "venue.missing_withdrawal: unknown error name not_found"),
        ("[quota]\nceilings = [['orders', 1]]", "quota.ceilings: unknown group orders; did you mean order?"),
        ("[quota]\nceilings = [['order', 13]]", "quota.ceilings: order allows 0 to 12 calls, got 13"),
        ("[quota]\nceilings = [['order', -1]]", "quota.ceilings: order allows 0 to 12 calls, got -1"),
        (
            "[quota]\nheader_names = [['candel', 'candles']]",
            "quota.header_names: unknown group candel; did you mean candle?",
        ),
        (
            "[quota]\nheader_names = [['order', 'or der']]",
            "quota.header_names: expected small letters, digits and -",
        ),
        (
            "[quota]\nheader_names = [['order', '주문']]",
            "quota.header_names: expected small letters, digits and -",
        ),
        ("[quota]\nheader_names = [['order', '']]", "quota.header_names: expected small letters, digits and -"),
        ("[quota]\nrefusal_seconds = 100000000000", "quota.refusal_seconds: expected 1 <= value <= 31536000 s"),
        (
            "[venue]\nself_match = 'cancel_makr'",
            "venue.self_match: unknown: cancel_makr; did you mean cancel_maker?",
        ),
        ("[face]\nchecks = ['signatur']", "face.checks: unknown: signatur; did you mean signature?"),
        ("[balances]\nKRW = 'much'", "balances.KRW: expected an amount"),
        ("[balances]\nKRW = -1", "balances.KRW: expected at least 0"),
        ("[balances]\nkrw = 1", "balances.krw: expected a currency in capitals"),
        ("[keys.main]\naddresses = ['localhost']", "keys.main: addresses: expected IP addresses"),
        ("[balances]\nKRW = nan", "balances.KRW: expected at least 0"),
        ("[accounts.paper]\nKRW = 1", "accounts.paper: the table balances holds it"),
        ("[accounts.b]\nKRW = []", "accounts.b.KRW: expected an amount"),
        ("[keys.a-b]", "keys.a-b: expected a name of letters and digits"),
        ("[keys.a]\nscope = []", "keys.a.scope: unknown field; did you mean scopes?"),
        (
            "[keys.a]\nscopes = ['view_acount']",
            "keys.a: scopes: unknown right view_acount; did you mean view_account?",
        ),
        ("[keys.a]\naccount = 'b'", "keys.a.account: unknown account b"),
        ("[keys.a]\nexpires = 'soon'", "keys.a.expires: expected a time of the years 1970 to 9000 such as"),
        ("[keys.a]\nexpires = 9999-12-31T23:59:59Z", "keys.a.expires: expected a time of the years"),
        ("[events]\nkind = 'thin'", "events: expected tables in double brackets"),
        ("events = [1]", "events.1: expected a table"),
        ("[[events]]\nmarket = 'KRW-BTC'", "events.1.kind: is missing"),
        ("[[events]]\nkind = 'delist'", "events.1.kind: unknown: delist; did you mean delisting?"),
        ("[[events]]\nkind = 'delisting'\nmarket = 'KRW-BTC'\nannounced = '+1d'", "events.1.at: is missing"),
        ("[[events]]\nkind = 'maintenance'\nstart = '+2h'\nend = '+1h'", "events.1: "),
        ("[[events]]\nkind = 'maintenance'\nstart = 2026-01-05T00:00:00\nend = '+1h'", "events.1.start: expected"),
        ("[[faults]]\nkind = 'gap'\n[[faults]]\nkind = 'reply_los'", "faults.2.kind: unknown: reply_los; did you"),
        ("[[faults]]\nkind = 'late'\nprobability = 2.0", "faults.1: probability: expected 0 <= value <= 1"),
        ("[[faults]]\nkind = 'late'\nevery = 1.5", "faults.1.every: expected `int`"),
        ("[[faults]]\nkind = 'late'\nwhen = '+1h'", "faults.1.when: unknown field"),
        ("[[faults]]", "faults.1.kind: is missing"),
        ("[[faults]]\nkind = 'late'\nprobability = nan", "faults.1: a number beyond all bounds"),
        ("[[faults]]\nkind = 'late'\nprobability = 1e999", "faults.1: a number beyond all bounds"),
        ("[[faults]]\nkind = 'cut'\ndelay = 1.0", "faults.1: delay: means nothing for cut"),
        ("[[faults]]\nkind = 'too_many'\ncalls = 'POST /v1/oders'", "did you mean POST /v1/orders?"),
        ("[[faults]]\nkind = 'too_many'\ngroup = 'origin'", "faults.1: group: no call is counted in origin"),
        ("[[events]]\nkind = 'rename'\nmarket = 'KRW-DOGE'\nnew = 'KRW-doge x'\nat = '+1m'", "events.1: "),
        ("[balances]\nBTC = 1e20", "balances.BTC: expected at least 0 and below 1e20"),
        ("x = " + "[" * 5000, "nested too deeply"),
        ("x = 1e" + "9" * 30, "not TOML: a number beyond all bounds"),
        ("x =", "not TOML"),
        ("a = '\udcff'", "cannot be read"),
    ],
)
def test_a_mistake_is_told_with_file_table_and_field(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(Misconfigured) as caught:
        sound_data(scenarios.load(file).applied(World(folder=str(tmp_path), market=MARKET)), file)
    assert str(caught.value).startswith(f"{file}: ")
    assert not (tmp_path / "world.json").exists()
    assert words in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"nowhere\.toml: cannot be read"):
        scenarios.load(tmp_path / "nowhere.toml")


def test_an_event_of_a_market_that_there_is_not_is_told_when_the_world_opens(tmp_path: Path) -> None:
    text = """
        [[events]]
        kind = "warning"
        market = "KRW-BTC"
        start = "+1h"
        [[events]]
        kind = "warning"
        market = "KRW-DOG"
        start = "+1h"
    """
    words = "events.2: simulator: Warned of KRW-DOG: there is no such market; did you mean KRW-DOGE?"
    with pytest.raises(Misconfigured, match=re.escape(words)):
        opened(tmp_path / "world", scenarios.load(written(tmp_path, text)))


def test_times_may_be_absolute_and_count_from_the_making_of_a_world_on_the_wall_clock(tmp_path: Path) -> None:
    text = """
        [[events]]
        kind = "maintenance"
        start = 2026-03-01T09:00:00+09:00
        end = "2026-03-01T01:00:00Z"
        [[faults]]
        kind = "late"
        start = "+1d2h3m4s"
        probability = 0.5
    """
    made = datetime(2026, 2, 28, 23, 0, tzinfo=UTC)
    world = World(folder=str(tmp_path), market=replace(MARKET, first_day=made.date()), begun=made)
    world = scenarios.load(written(tmp_path, text)).applied(world)
    world = replace(world, venue=replace(world.venue, pace=Pace.REAL))
    worlds.save(world)
    data = worlds.market_data(worlds.load(world.file))
    assert [data.offline(made + timedelta(hours=h)) for h in (0, 1, 2)] == [False, True, False]
    clock = WallClock(StopFlag())
    face, log = worlds.open_face(world, data, clock)
    log.close()
    rules = [each.rule for each in worlds.open_door(world, face, clock).faults.listed()]
    assert [rule.start for rule in rules] == [made + timedelta(days=1, hours=2, minutes=3, seconds=4)]


def test_relative_and_absolute_times_of_one_table_are_compared_in_the_world_that_begins_then(
    tmp_path: Path,
) -> None:
    text = f"""
        [[events]]
        kind = "thin"
        market = "KRW-BTC"
        start = {MARKET.first_day}T00:00:30Z
        end = "+1h"
        [[faults]]
        kind = "late"
        start = {MARKET.first_day}T00:00:30Z
        end = "+40s"
    """
    bot = opened(tmp_path, scenarios.load(written(tmp_path, text)))
    assert [len(bot.door.faults.listed()), len(bot.world.events)] == [1, 1]
    assert bot.call("GET", "/v1/market/all", after=35) is None


@pytest.mark.parametrize("token", [None, b"short", b"\xff" * 64])
def test_a_token_that_cannot_be_read_is_named(tmp_path: Path, token: bytes | None) -> None:
    bot = opened(tmp_path, Scenario(text=""))
    bot.world.operator_file.unlink()
    if token is not None:
        bot.world.operator_file.write_bytes(token)
    with pytest.raises(Misconfigured, match=r"operator\.token: no token"):
        worlds.open_door(bot.world, bot.face, None)
