"""The simulator's JWT checks against an independent JWT library and against attacks."""

import base64
import hashlib
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest

from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.rest.gatekeeper import body_text, query_text
from makenaide.exchange.simulator.settings import ApiKey, FaceSettings
from tests.unit.simulator_street import BEGIN, SECRET, error_name, flat, opened, token

CHANCE = (("market", "KRW-BTC"),)
KEYS = [
    ApiKey(access="paper", secret=SECRET, account="paper"),
    ApiKey(access="narrow", secret=SECRET, account="paper", scopes=frozenset({"view_orders"})),
    ApiKey(access="old", secret=SECRET, account="paper", expires_at=BEGIN),
    ApiKey(access="fresh", secret=SECRET, account="paper", expires_at=BEGIN + timedelta(seconds=1)),
    ApiKey(access="elsewhere", secret=SECRET, account="paper", addresses=("192.0.2.7",)),
    ApiKey(access="closed", secret=SECRET, account="nobody"),
]


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


def hashed(text: str) -> str:
    return hashlib.sha512(text.encode()).hexdigest()


GOOD = {"access_key": "paper", "nonce": "1", "query_hash": hashed("market=KRW-BTC")}


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_three_algorithms_are_accepted(algorithm: str) -> None:
    assert chance(token("paper", "market=KRW-BTC", "n", algorithm)).status == 200


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
def test_a_bad_token_is_refused_by_name(authorization: str | None, name: str) -> None:
    reply = chance(authorization)
    assert (reply.status, error_name(reply)) == (401, name)
    assert "remaining-req" not in reply.headers


def test_a_nonce_is_used_once_in_a_whole_run() -> None:
    gate = face()
    assert chance(forged(GOOD), gate).status == 200
    assert error_name(chance(forged(GOOD), gate)) == "nonce_used"
    assert chance(forged(GOOD | {"nonce": "2"}), gate).status == 200


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


@pytest.mark.parametrize("body", [b"market=KRW-BTC", b"[1]", b'{"market"', b"\xff\xfe"])
def test_a_body_that_is_no_json_object_fails_the_hash(body: bytes) -> None:
    headers = {"authorization": token("paper", body.decode("latin-1"), "1")}
    reply = face().handle(Request(method="POST", path="/v1/orders", headers=headers, body=body))
    assert error_name(reply) == "invalid_query_payload"


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
