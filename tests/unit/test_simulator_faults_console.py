"""The operator's calls: who may make them, what they do to the venue, and that a rebuilt venue knows of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from makenaide.domain.market import Market
from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.core.commandlog import rebuild
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.faults.console import TOKEN_HEADER, Console
from makenaide.exchange.simulator.faults.courier import Courier, calls
from makenaide.exchange.simulator.faults.plan import Faults, Kind, Rule
from makenaide.exchange.simulator.settings import VenueSettings
from tests.unit.simulator_listener import Watch
from tests.unit.simulator_street import (
    BEGIN,
    BTC,
    XRP,
    Customer,
    buy,
    decoded,
    error_name,
    faced,
    flat,
    limit,
    opened,
    seconds,
)

TOKEN = "the-operators-token"


@dataclass
class Chair:
    """The operator of a small venue, and its customer."""

    courier: Courier
    faults: Faults
    venue: Venue
    token: str | None = TOKEN
    peer: str = "127.0.0.1"

    def call(self, method: str, target: str, body: Mapping[str, Any] | bytes | None = None) -> Response:
        """One call to the simulator's own address."""
        path, _, query = target.partition("?")
        pairs = tuple(
            (name, value) for name, _, value in (part.partition("=") for part in query.split("&") if part)
        )
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {} if self.token is None else {TOKEN_HEADER.title(): self.token}
        request = Request(method=method, path=f"/simulator/{path}", query=pairs, headers=headers, body=raw)
        reply = self.courier.deliver(request, self.peer).response
        assert reply is not None
        return reply

    def post(self, path: str, **body: Any) -> Any:
        """What a call that is done answers."""
        reply = self.call("POST", path, body)
        assert reply.status in (200, 201), reply.body
        return decoded(reply)

    def refused(self, path: str, **body: Any) -> str:
        """The message of a call that is refused."""
        reply = self.call("POST", path, body)
        assert reply.status == 400, reply.body
        return str(decoded(reply)["error"]["message"])

    def customer(self) -> Customer:
        """The account's owner."""
        return Customer(self.courier.face)

    def listed(self, after: float = 0) -> dict[str, Any]:
        """The markets after so many seconds."""
        reply = self.customer_at(after).get("/v1/market/all", ("is_details", "true"), at=seconds(after))
        return {row["market"]: row["market_event"] for row in decoded(reply)}

    def customer_at(self, after: float) -> Customer:
        """A customer whose nonces are its own."""
        return Customer(self.courier.face, calls=int(after * 1000) + 100_000)


def seated(venue: Venue | None = None, *rules: Rule) -> Chair:
    """An operator before `venue`."""
    venue = venue or opened(flat())
    face = faced(venue)
    faults = Faults(rules, calls=calls(face))
    return Chair(Courier(face, faults, None, Console(venue, faults, TOKEN)), faults, venue)


@pytest.mark.parametrize("token", [None, "", "wrong", "é", "\ud800", TOKEN + "x"])
def test_nobody_without_the_token_is_heard(token: str | None) -> None:
    chair = seated()
    chair.token = token
    for method, path in (("GET", "state"), ("POST", "faults"), ("DELETE", "faults"), ("POST", "deposits")):
        reply = chair.call(method, path, {} if method == "POST" else None)
        assert (reply.status, error_name(reply)) == (401, "operator_token")


@pytest.mark.parametrize("peer", ["192.0.2.1", "::2", "elsewhere"])
def test_nobody_from_elsewhere_sees_that_there_is_an_operator(peer: str) -> None:
    chair = seated()
    chair.peer = peer
    assert chair.call("GET", "state").status == 404
    chair.peer = "::1"
    assert chair.call("GET", "state").status == 200


def test_what_is_no_call_of_the_operator_goes_to_the_face() -> None:
    chair = seated()
    assert chair.call("GET", "clock").status == 200
    assert chair.call("GET", "nothing").status == 404


def test_faults_are_added_listed_and_removed() -> None:
    chair = seated(None, Rule(kind=Kind.SKEW, seconds=3))
    added = chair.post("faults", kind="reply_lost", calls="POST /v1/orders", times=2, start="+0s", end="+1h")
    assert (added["number"], added["kind"], added["times"], added["end"]) == (
        2,
        "reply_lost",
        2,
        "2026-01-05T01:00:00Z",
    )
    customer = chair.customer()
    body = customer.post("/v1/orders", buy("6000"))
    assert body.status == 201
    listed = decoded(chair.call("GET", "faults"))
    assert [(each["kind"], each["seen"], each["struck"]) for each in listed] == [
        ("skew", 0, 0),
        ("reply_lost", 0, 0),
    ]
    assert "delay" not in listed[1], "a field that means nothing for the kind"
    assert listed[0]["seconds"] == 3
    for number, status in (("2", 200), ("2", 400), ("x", 400), ("99999999999", 400)):
        assert chair.call("DELETE", f"faults?number={number}").status == status
    assert decoded(chair.call("DELETE", "faults")) == {"removed": 1}
    assert chair.faults.listed() == ()


@pytest.mark.parametrize(
    ("query", "body", "words"),
    [
        ("?nunber=1", None, "fault.nunber: unknown field; did you mean number?"),
        ("?number=", None, "number: there is no fault "),
        ("?number", None, "number: there is no fault "),
        ("?number=1&number=2", None, "number: is there twice"),
        ("", b'{"number":1}', "body: DELETE has none, its fields stand behind the path: ?number=3"),
        ("?number=1", b"{}", "body: DELETE has none"),
    ],
)
def test_a_call_that_does_not_name_its_fault_removes_none(query: str, body: bytes | None, words: str) -> None:
    chair = seated(None, Rule(kind=Kind.SKEW), Rule(kind=Kind.CUT))
    reply = chair.call("DELETE", f"faults{query}", body)
    assert (reply.status, words in decoded(reply)["error"]["message"]) == (400, True)
    assert len(chair.faults.listed()) == 2


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[", "expected a JSON object"),
        (b"[]", "expected a JSON object"),
        (b"\xff", "expected a JSON object"),
        (b'{"kind":' + b"[" * 5000, "expected a JSON object"),
        (b"", "fault.kind: is missing"),
        (b'{"kind":"late","delay":1e999}', "expected"),
        (b'{"kind":"late","calls":"GET /v1/acounts"}', "did you mean GET /v1/accounts?"),
        (b'{"kind":"cut","delay":1.0}', "fault: delay: means nothing for cut"),
        (b'{"kind":"late","evry":2}', "did you mean every?"),
        (b'{"kind":"late","start":"0001-01-01T00:00:00+09:00"}', "fault.start: expected a time"),
    ],
)
def test_a_call_that_cannot_be_understood_is_told_why(body: bytes, words: str) -> None:
    reply = seated().call("POST", "faults", body)
    assert reply.status == 400
    assert words in decoded(reply)["error"]["message"]


def test_money_comes_and_goes_and_the_sums_stay() -> None:
    chair = seated()
    before = decoded(chair.call("GET", "state"))["sums"]
    deposit = chair.post("deposits", currency="BTC", amount="0.25", txid="a")
    assert (deposit["amount"], deposit["state"], deposit["account"]) == ("0.25", "ACCEPTED", "paper")
    out = chair.post("withdrawals", account="paper", currency="KRW", amount=100_000.5, fee=1000, state="WAITING")
    assert chair.post("transfers", uuid=out["uuid"], state="DONE")["state"] == "DONE"
    assert chair.post("airdrops", currency="XRP", change=3)["balances"]["XRP"]["free"] == "3"
    customer = chair.customer()
    assert customer.post("/v1/orders", buy("6000")).status == 201
    resting = decoded(customer.post("/v1/orders", limit("bid", "90000000", "0.001")))["uuid"]
    told = decoded(chair.call("GET", "state"))
    assert {name: Decimal(total) for name, total in told["sums"].items() if Decimal(total)} == {
        name: Decimal(total) for name, total in before.items()
    }
    assert told["accounts"]["paper"]["open_orders"] == [resting]
    assert told["books"]["outside"] == {"BTC": "-0.25", "KRW": "100000.5", "XRP": "-3"}
    assert (told["now"], told["offline"]) == ("2026-01-05T00:00:00.000000+00:00", False)


def test_only_what_can_be_is_done_with_money() -> None:
    chair = seated(opened(flat(), "one", "two"))
    assert "expected one of one, two" in chair.refused("deposits", currency="KRW", amount=1)
    assert "none of that name" in chair.refused("airdrops", account="three", currency="KRW", change=1)
    assert "exceed" in chair.refused("withdrawals", account="one", currency="BTC", amount=1)
    assert "amount: is missing" in chair.refused("deposits", account="one", currency="BTC")
    assert "state: unknown: DON" in chair.refused("transfers", uuid="x", state="DON")
    assert "cannot go on" in chair.refused("transfers", uuid="x", state="DONE")


@pytest.mark.parametrize("currency", ["", "btc lower", "btc", "BTC ", "B" * 16, "비트"])
def test_what_is_no_currency_is_refused(currency: str) -> None:
    chair = seated()
    before = chair.venue.state()
    for path, amount in (("airdrops", "change"), ("deposits", "amount"), ("withdrawals", "amount")):
        words = "currency: expected a code in capitals such as BTC"
        assert words in chair.refused(path, currency=currency, **{amount: 1})
    assert "currency: no market has" in chair.refused("wallets", currency=currency, wallet="paused")
    assert chair.venue.state() == before


def test_a_wallet_is_that_of_a_coin_that_is_traded() -> None:
    assert "currency: no market has XPR; did you mean XRP?" in seated().refused(
        "wallets", currency="XPR", wallet="paused"
    )


def test_a_wallet_is_shut_and_a_notice_is_published() -> None:
    chair = seated()
    chair.post("wallets", currency="BTC", wallet="paused", block="inactive")
    assert [each.value for each in chair.venue.treasury.wallet("BTC")] == ["paused", "inactive"]
    uuid = chair.post("announcements", category="trade", title="거래지원 종료", body="...")["uuid"]
    assert chair.post("announcements", category="trade", title="정정", uuid=uuid)["uuid"] == uuid
    assert "expected one of" in chair.refused("announcements", category="gossip", title="x")
    assert chair.venue.settlement.feed.position == 2


def test_an_order_of_the_app_watches_for_its_price() -> None:
    chair = seated()
    told = chair.post("watch-orders", trigger="90000000", order=limit("bid", "90000000", "0.001"))
    assert told["state"] == "watch"
    reply = chair.call("POST", "watch-orders", {"trigger": 1, "order": limit("bid", "90000001", "0.001")})
    assert error_name(reply) == "invalid_price_bid"


def test_events_happen_at_their_time() -> None:
    chair = seated()
    staged = chair.post("events", kind="maintenance", start="+1m", end="+2m")
    assert staged["start"] == "2026-01-05T00:01:00+00:00"
    chair.post("events", kind="warning", market=XRP, start="+3m")
    chair.post("events", kind="rename", market=BTC, new="KRW-XBT", at="+4m")
    order = limit("bid", "90000000", "0.001")
    assert chair.customer().post("/v1/orders", order, at=seconds(59)).status == 201
    assert error_name(chair.customer_at(60).post("/v1/orders", order, at=seconds(60))) == "market_offline"
    assert chair.customer_at(120).post("/v1/orders", order, at=seconds(120)).status == 201
    assert not chair.listed(179)[XRP]["warning"]
    assert chair.listed(180)[XRP]["warning"]
    assert "KRW-XBT" in chair.listed(240)
    assert BTC not in chair.listed(241)


def test_only_what_lies_ahead_can_be_staged() -> None:
    chair = seated()
    for start in ("+0s", "2026-01-04T00:00:00Z"):
        assert "must lie ahead" in chair.refused("events", kind="warning", market=XRP, start=start)
    assert "KRW-NOPE" in chair.refused("events", kind="warning", market="KRW-NOPE", start="+1s")
    chair.venue.advance(BEGIN + seconds(10.5))
    assert chair.post("events", kind="warning", market=XRP, start="+1s")["start"] == "2026-01-05T00:00:12+00:00"


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "9001-01-01T00:00:00Z", "1969-12-31T23:59:59Z"])
def test_a_time_beyond_which_none_can_be_added_is_refused(at: str) -> None:
    words = "expected a time of the years 1970 to 9000"
    chair = seated()
    assert words in chair.refused("events", kind="delisting", market=XRP, announced="+1m", at=at)
    assert words in chair.refused("faults", kind="late", end=at)


def test_on_the_wall_clock_the_venue_is_brought_up_to_date_first() -> None:
    venue = opened(flat())
    reply = Console(venue, Faults(), TOKEN, Watch(BEGIN + seconds(7))).answer(
        Request(method="GET", path="/simulator/state", headers={TOKEN_HEADER: TOKEN}), "127.0.0.1"
    )
    assert reply is not None
    assert decoded(reply)["now"] == "2026-01-05T00:00:07.000000+00:00"


def test_a_venue_that_is_rebuilt_knows_all_that_its_operator_did(tmp_path: Path) -> None:
    def risen() -> Venue:
        venue = Venue(flat(), VenueSettings())
        rebuild(venue, tmp_path / "commands.log", "same").close()
        return venue

    venue = Venue(flat(), VenueSettings())
    log = rebuild(venue, tmp_path / "commands.log", "same")
    venue.open_account("paper", {"KRW": Decimal(10_000_000)})
    chair = seated(venue)
    chair.post("deposits", currency="BTC", amount="0.25")
    chair.post("withdrawals", currency="KRW", amount=5, state="PROCESSING")
    chair.post("airdrops", currency="XRP", change="1.5")
    chair.post("wallets", currency="XRP", wallet="paused")
    chair.post("events", kind="delisting", market=XRP, announced="+1m", at="+2m")
    chair.post("events", kind="ticks", quote="KRW", at="+1m", bands=[[0, 0.5]])
    chair.post("announcements", category="trade", title="XRP")
    chair.post("watch-orders", trigger="90000000", order=limit("bid", "90000000", "0.001"))
    assert chair.customer().post("/v1/orders", buy("6000", market=XRP), at=seconds(90)).status == 201
    log.close()
    again = risen()
    again.advance(venue.now)
    assert again.state() == venue.state()
    assert again.floor.tick(Market(BTC), Decimal(100_000_000)) == Decimal("0.5")
    again.advance(BEGIN + seconds(121))
    assert XRP not in again.floor.listed()


@pytest.mark.parametrize("amount", ["1e999", "1e20", "-1e999", "1E-21", "NaN", "1" + "0" * 400])
def test_amounts_that_no_balance_could_add_up_to_the_last_digit_are_refused(amount: str) -> None:
    chair = seated()
    before = chair.venue.state()
    for path, field in (("airdrops", "change"), ("deposits", "amount"), ("withdrawals", "fee")):
        body = (
            {"currency": "KRW", "amount": "1", field: amount}
            if field != "change"
            else {"currency": "KRW", field: amount}
        )
        chair.refused(path, **body)
    order = limit("bid", "90000000", "0.001")
    assert chair.call("POST", "watch-orders", {"trigger": amount, "order": order}).status == 400
    assert chair.venue.state() == before


def test_what_cannot_be_said_again_is_refused_all_the_same() -> None:
    chair = seated()
    reply = chair.call("DELETE", "faults?number=\ud800")
    assert (reply.status, "there is no fault ?" in str(decoded(reply))) == (400, True)
