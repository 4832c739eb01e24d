"""The simulator's JWT checks against an independent JWT library and against attacks."""

import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.rest.gatekeeper import Nonces, body_text, query_text
from makenaide.exchange.simulator.settings import ApiKey, EntryCheck, FaceSettings
from tests.unit.simulator_street import BEGIN, SECRET, decoded, error_name, flat, hashed, opened, token

CHANCE = (("market", "KRW-BTC"),)
KEYS = [
    ApiKey(access="paper", secret=SECRET, account="paper"),
    ApiKey(access="narrow", secret=SECRET, account="paper", scopes=frozenset({"view_orders"})),
    ApiKey(access="old", secret=SECRET, account="paper", expires_at=BEGIN),
    ApiKey(access="fresh", secret=SECRET, account="paper", expires_at=BEGIN + timedelta(seconds=1)),
    ApiKey(access="elsewhere", secret=SECRET, account="paper", addresses=("192.0.2.7",)),
    ApiKey(access="closed", secret=SECRET, account="nobody"),
]


ORDERS = [
    tuple(EntryCheck),
    tuple(EntryCheck)[::-1],
    *(tuple(EntryCheck)[n:] + tuple(EntryCheck)[:n] for n in range(1, 6)),
]
"""The documented order of checks, its reverse and its rotations: each check once first and once last."""


def face(**settings: Any) -> Face:
    return Face(opened(flat()), KEYS, FaceSettings(**settings))


def chance(authorization: str | None, at: Face | None = None, peer: str = "127.0.0.1") -> Response:
    headers = {} if authorization is None else {"Authorization": authorization}
    request = Request(method="GET", path="/v1/orders/chance", query=CHANCE, headers=headers)
    return (at or face()).handle(request, peer)


def forged(payload: dict[str, Any], algorithm: str = "HS512", secret: str = SECRET) -> str:
    return "Bearer " + jwt.encode(payload, secret, algorithm=algorithm)


def unsigned() -> str:
    parts = ({"alg": "none", "typ": "JWT"}, {"access_key": "paper", "nonce": "1"})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return "Bearer " + ".".join([*encoded, ""])


def packed(*parts: bytes) -> str:
    encoded = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, b"signature")]
    return "Bearer " + ".".join(encoded)


GOOD = {"access_key": "paper", "nonce": "1", "query_hash": hashed("market=KRW-BTC")}


@pytest.mark.parametrize("checks", ORDERS)
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_three_algorithms_are_accepted(algorithm: str, checks: tuple[EntryCheck, ...]) -> None:
    assert chance(token("paper", "market=KRW-BTC", "n", algorithm), face(checks=checks)).status == 200


@pytest.mark.parametrize("checks", ORDERS)
@pytest.mark.parametrize(
    ("authorization", "name"),
    [
        (None, "no_authorization_token"),
        ("", "no_authorization_token"),
        ("Bearer ", "no_authorization_token"),
        ("Basic cGFwZXI6cGFwZXI=", "no_authorization_token"),
        ("Bearer rubbish", "jwt_verification"),
        ("Bearer a.b.c.d", "jwt_verification"),
        ("Bearer a.b.c", "jwt_verification"),
        ("Bearer !!.??.--", "jwt_verification"),
        ("Bearer é.é.é", "jwt_verification"),
        ("Bearer " + "A" * 100_000, "jwt_verification"),
        ("Bearer ..", "jwt_verification"),
        (packed(b'["alg"]', b"{}"), "jwt_verification"),
        (packed(b"[" * 50_000, b"{}"), "jwt_verification"),
        (packed(b'{"alg":"HS512","x":' + b"[" * 50_000, b"{}"), "jwt_verification"),
        (packed(b'{"alg":"HS512"}', b'{"access_key":"paper","nonce":"\\ud800"}'), "jwt_verification"),
        (packed(b"\xff\xfe", b"\xff"), "jwt_verification"),
        (forged(GOOD, "HS256").replace("Bearer ", "Bearer\t"), "no_authorization_token"),
        (forged({"access_key": "stranger", "nonce": "1"}), "invalid_access_key|invalid_query_payload"),
        (unsigned(), "jwt_verification"),
        (forged(GOOD, secret="another" * 12), "jwt_verification"),
        (forged(GOOD)[:-4] + "AAAA", "jwt_verification"),
        (forged(GOOD | {"nonce": ""}), "jwt_verification"),
        (forged({"access_key": "paper", "query_hash": GOOD["query_hash"]}), "jwt_verification"),
        (forged(GOOD | {"nonce": 5}), "jwt_verification"),
        (forged(GOOD | {"access_key": "stranger"}), "invalid_access_key"),
        (forged(GOOD | {"access_key": "closed"}), "invalid_access_key"),
        (forged(GOOD | {"access_key": "old"}), "expired_access_key"),
        (forged(GOOD | {"access_key": "elsewhere"}), "no_authorization_ip"),
        (forged({"access_key": "paper", "nonce": "1"}), "invalid_query_payload"),
        (forged(GOOD | {"query_hash": hashed("market=KRW-ETH")}), "invalid_query_payload"),
        (forged(GOOD | {"query_hash_alg": "SHA256"}), "invalid_query_payload"),
    ],
)
def test_a_bad_token_is_refused_by_name(
    authorization: str | None, name: str, checks: tuple[EntryCheck, ...]
) -> None:
    reply = chance(authorization, face(checks=checks))
    assert reply.status == 401
    assert error_name(reply) in name.split("|")
    assert "remaining-req" not in reply.headers


@pytest.mark.parametrize("checks", ORDERS)
def test_of_two_faults_the_one_that_is_looked_at_first_is_named(checks: tuple[EntryCheck, ...]) -> None:
    faults = {
        EntryCheck.SIGNATURE: "jwt_verification",
        EntryCheck.KEY: "expired_access_key",
        EntryCheck.ADDRESS: "no_authorization_ip",
        EntryCheck.HASH: "invalid_query_payload",
        EntryCheck.SCOPE: "out_of_scope",
    }
    key = ApiKey(
        access="all",
        secret=SECRET,
        account="paper",
        scopes=frozenset(),
        expires_at=BEGIN,
        addresses=("192.0.2.7",),
    )
    gate = Face(opened(flat()), [key], FaceSettings(checks=checks))
    first = next(check for check in checks if check in faults)
    wrong = forged({"access_key": "all", "nonce": "1", "query_hash": hashed("x")}, secret="another" * 12)
    assert error_name(chance(wrong, gate)) == faults[first]


def test_the_order_of_checks_names_each_of_them_once() -> None:
    for wrong in ((), tuple(EntryCheck)[1:], (EntryCheck.KEY, *tuple(EntryCheck)[1:])):
        with pytest.raises(Misconfigured, match="checks"):
            FaceSettings(checks=wrong)


def test_a_nonce_is_used_once_in_a_whole_run() -> None:
    gate = face()
    assert chance(forged(GOOD), gate).status == 200
    assert error_name(chance(forged(GOOD), gate)) == "nonce_used"
    assert chance(forged(GOOD | {"nonce": "2"}), gate).status == 200


def test_a_nonce_may_be_remembered_for_a_time() -> None:
    gate = face(nonce_seconds=60)
    assert chance(forged(GOOD), gate).status == 200
    gate.venue.advance(BEGIN + timedelta(seconds=59))
    assert error_name(chance(forged(GOOD), gate)) == "nonce_used"
    gate.venue.advance(BEGIN + timedelta(seconds=60))
    assert chance(forged(GOOD), gate).status == 200


def test_a_forged_call_uses_up_no_nonce() -> None:
    gate = face(checks=(EntryCheck.NONCE, *(check for check in EntryCheck if check is not EntryCheck.NONCE)))
    assert error_name(chance(forged(GOOD, secret="another" * 12), gate)) == "jwt_verification"
    assert chance(forged(GOOD), gate).status == 200


def test_the_memory_for_nonces_is_bounded_however_long_they_are() -> None:
    nonces = Nonces(seconds=0, kept=100)
    for number in range(1000):
        assert nonces.use("key", f"{number}" * 10_000, BEGIN)
    assert len(nonces) == 100
    assert not nonces.use("key", "999" * 10_000, BEGIN)
    assert nonces.use("other", "999" * 10_000, BEGIN)
    assert nonces.use("key", "0" * 10_000, BEGIN)


def test_a_nonce_can_be_made_new_again() -> None:
    gate = face()
    request = Request(
        method="GET", path="/v1/orders/chance", query=CHANCE, headers={"Authorization": forged(GOOD)}
    )
    assert gate.handle(request).status == 200
    for other in (None, "Bearer x", forged(GOOD | {"nonce": "2"})):
        gate.forget_nonce(
            Request(method="GET", path="/", headers={} if other is None else {"Authorization": other})
        )
    assert error_name(gate.handle(request)) == "nonce_used"
    gate.forget_nonce(request)
    assert gate.handle(request).status == 200


def test_an_address_that_is_not_allowed_may_be_spelled_as_it_once_was() -> None:
    reply = chance(token("elsewhere", "market=KRW-BTC", "1"), face(old_address_error=True))
    assert (reply.status, error_name(reply)) == (401, "no_authorization_i_p")


def test_a_key_ends_at_its_time_and_holds_at_its_address() -> None:
    gate = face()
    assert chance(token("fresh", "market=KRW-BTC", "1"), gate).status == 200
    gate.venue.advance(BEGIN + timedelta(seconds=1))
    assert error_name(chance(token("fresh", "market=KRW-BTC", "2"), gate)) == "expired_access_key"
    assert chance(token("elsewhere", "market=KRW-BTC", "3"), gate, peer="192.0.2.7").status == 200


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_does_only_what_it_may(status: int) -> None:
    gate = face(out_of_scope_status=status)
    assert chance(token("narrow", "market=KRW-BTC", "1"), gate).status == 200
    for method, path in (("GET", "/v1/accounts"), ("DELETE", "/v1/order")):
        headers = {"authorization": token("narrow", "", path)}
        reply = gate.handle(Request(method=method, path=path, headers=headers))
        assert (reply.status, error_name(reply)) == (status, "out_of_scope")
    open_to_all = gate.handle(
        Request(method="GET", path="/v1/status/wallet", headers={"authorization": token("narrow", "", "w")})
    )
    assert open_to_all.status == 200


def test_a_hash_without_parameters_must_be_that_of_nothing() -> None:
    gate = face()
    for nonce, text, status in (("1", "", 200), ("2", "x=1", 401)):
        payload = {"access_key": "paper", "nonce": nonce, "query_hash": hashed(text)}
        request = Request(method="GET", path="/v1/accounts", headers={"authorization": forged(payload)})
        assert gate.handle(request).status == status


def test_a_hash_may_be_written_in_capitals() -> None:
    assert chance(forged(GOOD | {"query_hash": GOOD["query_hash"].upper()}), face()).status == 200


@pytest.mark.parametrize(
    "body",
    [
        *(b"market=KRW-BTC", b"[1]", b'{"market"', b"\xff\xfe", b'{"a":"\\ud800"}', b'{"a":' + b"1" * 5000 + b"}"),
        *(b"[" * 50_000, b'{"a":' * 900 + b"1" + b"}" * 900),
    ],
)
def test_a_body_that_is_no_json_object_fails_the_hash(body: bytes) -> None:
    headers = {"authorization": token("paper", body.decode("latin-1"), "1")}
    reply = face().handle(Request(method="POST", path="/v1/orders", headers=headers, body=body))
    assert error_name(reply) == "invalid_query_payload"


ORDER = {"market": "KRW-BTC", "side": "bid", "ord_type": "price", "price": "6000"}
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/orders"), ("DELETE", "/v1/order")])
@pytest.mark.parametrize(("opening", "closing"), [(b'{"a":', b"}"), (b"[", b"]")])
def test_no_depth_of_a_body_is_too_much_to_refuse(opening: bytes, closing: bytes, method: str, path: str) -> None:
    gate = face(body_parameters=method == "DELETE")
    for depth in (1, *range(900, 1000)):
        body = b'{"a":' + opening * depth + b"1.5" + closing * depth + b"}"
        headers = {"authorization": token("paper", "x", str(depth))}
        reply = gate.handle(Request(method=method, path=path, headers=headers, body=body))
        assert error_name(reply) == "invalid_query_payload"


def test_a_form_is_refused_even_where_it_is_json() -> None:
    text = "&".join(f"{name}={value}" for name, value in ORDER.items())
    for number, body in enumerate((text.encode(), json.dumps(ORDER).encode())):
        headers = {"authorization": token("paper", text, str(number))} | FORM
        reply = face().handle(Request(method="POST", path="/v1/orders", headers=headers, body=body))
        assert (reply.status, error_name(reply)) == (401, "invalid_query_payload")


def test_bodies_are_read_everywhere_when_that_is_set() -> None:
    gate = face(body_parameters=True)
    text = "&".join(f"{name}={value}" for name, value in ORDER.items())
    headers = {"authorization": token("paper", text, "1")} | FORM
    placed = gate.handle(Request(method="POST", path="/v1/orders", headers=headers, body=text.encode()))
    assert placed.status == 201
    uuid = decoded(placed)["uuid"]
    headers = {"authorization": token("paper", f"uuid={uuid}", "2")} | FORM
    found = gate.handle(Request(method="GET", path="/v1/order", headers=headers, body=f"uuid={uuid}".encode()))
    assert (found.status, decoded(found)["uuid"]) == (200, uuid)
    headers = {"authorization": token("paper", f"uuids[]={uuid}&n=1", "3")}
    body = json.dumps({"uuids[]": [uuid], "n": 1}).encode()
    listed = gate.handle(Request(method="GET", path="/v1/orders/uuids", headers=headers, body=body))
    assert [row["uuid"] for row in decoded(listed)] == [uuid]
    headers = {"authorization": token("paper", "", "4")}
    for body in (b"nonsense", b""):
        accounts = Request(method="GET", path="/v1/accounts", headers=headers, body=body)
        assert gate.handle(accounts).status == (200 if body else 401)


@pytest.mark.parametrize(
    ("body", "text", "shown"),
    [
        (b'{"include_expired":true}', "include_expired=true", True),
        (b'{"include_expired":false,"x":null}', "include_expired=false&x=null", False),
        (
            b'{"n":1.10,"x[]":[true,null,1.50],"include_expired":"true"}',
            "n=1.10&x[]=true&x[]=null&x[]=1.50&include_expired=true",
            True,
        ),
    ],
)
def test_a_body_that_is_read_as_a_query_is_signed_as_its_sender_wrote_it(
    body: bytes, text: str, shown: bool
) -> None:
    key = ApiKey(access="all", secret=SECRET, account="paper", scopes=frozenset({"manage_pockets"}))
    old = ApiKey(access="old", secret=SECRET, account="paper", expires_at=BEGIN)
    gate = Face(opened(flat()), [key, old], FaceSettings(body_parameters=True))
    headers = {"authorization": token("all", text, "1")}
    reply = gate.handle(Request(method="GET", path="/v1/pockets/api_keys", headers=headers, body=body))
    assert [each["access_key"] for each in decoded(reply)[0]["keys"]] == ["all", *(["old"] if shown else [])]
    headers = {"authorization": token("all", text, "2")}
    reply = gate.handle(Request(method="DELETE", path="/v1/order", headers=headers, body=body))
    assert error_name(reply) == "out_of_scope", "and so past the check of the hash"


def test_numbers_are_signed_as_they_are_spelled_even_inside() -> None:
    body = b'{"until":"2026-01-05T00:00:01Z","fences":{"KRW-BTC":{"floor":1.50,"peak":2e8}},"x":1.10}'
    text = 'until=2026-01-05T00:00:01Z&fences={"KRW-BTC":{"floor":1.50,"peak":2e8}}&x=1.10'
    headers = {"authorization": token("paper", text, "1")}
    reply = face().handle(Request(method="POST", path="/simulator/advance", headers=headers, body=body))
    assert reply.status == 200


def test_repeated_names_are_signed_as_they_are_sent_and_the_first_one_counts() -> None:
    query = (("market", "KRW-BTC"), ("market", "KRW-XRP"))
    headers = {"authorization": token("paper", "market=KRW-BTC&market=KRW-XRP", "1")}
    reply = face().handle(Request(method="GET", path="/v1/orders/chance", query=query, headers=headers))
    assert decoded(reply)["market"]["id"] == "KRW-BTC"


def test_a_delete_takes_no_body() -> None:
    headers = {"authorization": token("paper", "uuid=1", "1")}
    request = Request(method="DELETE", path="/v1/order", query=(("uuid", "1"),), headers=headers, body=b"{}")
    reply = face().handle(request)
    assert (reply.status, error_name(reply)) == (400, "QUERY_PARAMETER_NOT_SUPPORTED")


def test_the_signed_text_is_decoded_and_in_the_order_sent() -> None:
    assert query_text((("states[]", "wait"), ("states[]", "watch"), ("a", "x y"))) == (
        "states[]=wait&states[]=watch&a=x y"
    )
    assert body_text({"b": "2", "a": 1, "c": ["x", "y"], "d": True, "e": {"f": {"g": "1"}}, "h": None}) == (
        'b=2&a=1&c[]=x&c[]=y&d=true&e={"f":{"g":"1"}}&h=null'
    )


def test_a_secret_is_not_shown() -> None:
    assert SECRET not in repr(KEYS[0])
