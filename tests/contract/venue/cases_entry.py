"""A001 to A022: who may enter (upbit-api.md section 3)."""

import hashlib
import json
from typing import Any

import jwt

from makenaide.exchange.simulator.rest.gatekeeper import query_text
from makenaide.exchange.upbit.outcomes import Allowed, HasRight, NoRight, NotAllowed
from tests.contract.venue.carriers import Reply
from tests.contract.venue.case import case
from tests.contract.venue.rig import RIGHTS, Rig
from tests.unit.simulator_street import SECRET, token

CHANCE = (("market", "KRW-BTC"),)
NEEDS = {
    ("GET", "accounts"): "view_account",
    ("GET", "orders/chance"): "view_orders",
    ("GET", "order"): "view_orders",
    ("GET", "orders/uuids"): "view_orders",
    ("GET", "orders/open"): "view_orders",
    ("GET", "orders/closed"): "view_orders",
    ("GET", "orders"): "view_orders",
    ("POST", "orders"): "make_orders",
    ("POST", "orders/test"): "make_orders",
    ("POST", "orders/cancel_and_new"): "make_orders",
    ("DELETE", "order"): "make_orders",
    ("DELETE", "orders/uuids"): "make_orders",
    ("DELETE", "orders/open"): "make_orders",
    ("GET", "deposits"): "view_deposits",
    ("GET", "deposit"): "view_deposits",
    ("GET", "deposits/chance/coin"): "view_deposits",
    ("GET", "deposits/coin_addresses"): "view_deposits",
    ("GET", "deposits/coin_address"): "view_deposits",
    ("POST", "deposits/generate_coin_address"): "deposit",
    ("POST", "deposits/krw"): "deposit",
    ("GET", "withdraws"): "view_withdrawals",
    ("GET", "withdraw"): "view_withdrawals",
    ("GET", "withdraws/chance"): "view_withdrawals",
    ("GET", "withdraws/coin_addresses"): "view_withdrawals",
    ("POST", "withdraws/krw"): "withdraw",
    ("POST", "withdraws/coin"): "withdraw",
    ("DELETE", "withdraws/coin"): "withdraw",
    ("GET", "pockets"): "manage_pockets",
    ("GET", "pockets/assets"): "manage_pockets",
    ("GET", "pockets/api_keys"): "manage_pockets",
    ("GET", "pockets/transfers"): "transfer",
    ("POST", "pockets/transfers"): "transfer",
    ("GET", "pockets/universal_transfers"): "transfer",
    ("POST", "pockets/universal_transfers"): "transfer",
    ("GET", "travel_rule/vasps"): "view_deposits",
    ("POST", "travel_rule/deposit/uuid"): "deposit",
    ("POST", "travel_rule/deposit/txid"): "deposit",
}
FOR_ANY = ("status/wallet", "api_keys")


def signed(rig: Rig, payload: dict[str, Any], algorithm: str = "HS512", secret: str = SECRET) -> Reply:
    """GET /v1/orders/chance with a token of this payload."""
    bearer = "Bearer " + jwt.encode({"nonce": rig.nonce()} | payload, secret, algorithm=algorithm)
    return rig.send("GET", "/v1/orders/chance", CHANCE, Authorization=bearer)


def claims(text: str = "market=KRW-BTC", access: str = "paper", **more: Any) -> dict[str, Any]:
    digest = hashlib.sha512(text.encode()).hexdigest()
    return {"access_key": access, "query_hash": digest, "query_hash_alg": "SHA512"} | more


def enter(rig: Rig, key: str = "paper") -> Reply:
    return rig.get("orders/chance", market="KRW-BTC", key=key)


def asked(rig: Rig, method: str, path: str, key: str) -> Reply:
    if method == "POST":
        return rig.post(path, {"market": "KRW-BTC"}, key)
    return (rig.get if method == "GET" else rig.delete)(path, key=key)


@case("A001", "Without a token a signed call is 401 no_authorization_token", "6")
def token_missing(rig: Rig) -> None:
    wrong: list[dict[str, Any]] = [{}, {"Authorization": ""}, {"Authorization": "Basic abc"}]
    for headers in wrong:
        assert rig.send("GET", "/v1/accounts", **headers).error == (401, "no_authorization_token")


@case("A002", "HS256, HS384 and HS512 are taken by the token's own word", "3")
def algorithms(rig: Rig) -> None:
    for algorithm in ("HS256", "HS384", "HS512"):
        assert signed(rig, claims(), algorithm).status == 200


@case("A003", "The algorithm none, and any other, is 401 jwt_verification", "3")
def no_algorithm(rig: Rig) -> None:
    bare = jwt.encode(claims(nonce=rig.nonce()), "", algorithm="none")
    assert rig.send("GET", "/v1/orders/chance", CHANCE, Authorization=f"Bearer {bare}").error == (
        401,
        "jwt_verification",
    )


@case("A004", "A signature by another secret is 401 jwt_verification with the documented words", "6")
def wrong_secret(rig: Rig) -> None:
    reply = signed(rig, claims(), secret="x" * 64)
    assert reply.error == (401, "jwt_verification")
    assert reply.json["error"]["message"] == "Failed to verify Jwt token."


@case("A005", "A key that nobody has is 401 invalid_access_key", "6")
def unknown_key(rig: Rig) -> None:
    assert signed(rig, claims(access="nobody")).error == (401, "invalid_access_key")


@case("A006", "A key past its year is 401 expired_access_key", "6")
def expired_key(rig: Rig) -> None:
    assert enter(rig, "old").error == (401, "expired_access_key")


@case(
    "A007",
    "An address that is not the key's is 401 no_authorization_ip; one of several is enough",
    "3",
    "face.old_address_error",
)
def address(rig: Rig) -> None:
    reply = enter(rig, "far")
    assert reply.error == (401, "no_authorization_ip")
    assert reply.json["error"]["message"] == "This is not a verified IP."
    assert enter(rig, "near").status == 200
    assert isinstance(rig.customer("far").address_allowed(), NotAllowed)
    assert isinstance(rig.customer("near").address_allowed(), Allowed)


@case("A008", "A nonce is used once, by any call of the key, for as long as is remembered", "3")
def nonce_reuse(rig: Rig) -> None:
    again = claims(nonce="once")
    assert signed(rig, again).status == 200
    rig.wait(30)
    assert signed(rig, again).error == (401, "nonce_used")
    bearer = token("paper", "", "once")
    assert rig.send("GET", "/v1/accounts", Authorization=bearer).error == (401, "nonce_used")


@case("A009", "The memory of nonces is the whole run", "3", "face.nonce_seconds")
def nonces_for_ever(rig: Rig) -> None:
    again = claims(nonce="once")
    assert signed(rig, again).status == 200
    rig.wait(86_400 * 20)
    assert signed(rig, again).error == (401, "nonce_used")


@case("A010", "The query is hashed as sent, in its order, unencoded", "3")
def query_hash(rig: Rig) -> None:
    query = (("order_by", "asc"), ("states[]", "wait"), ("states[]", "watch"), ("market", "KRW-BTC"))
    text = "order_by=asc&states[]=wait&states[]=watch&market=KRW-BTC"
    assert query_text(query) == text

    def status(hashed: str) -> int:
        return rig.send("GET", "/v1/orders/open", query, Authorization=token("paper", hashed, rig.nonce())).status

    assert status(text) == 200
    assert status("&".join(sorted(text.split("&")))) == 401
    assert status(text.replace("[]", "%5B%5D")) == 401


@case("A011", "A wrong or missing hash is 401 invalid_query_payload with the documented words", "6")
def wrong_hash(rig: Rig) -> None:
    reply = signed(rig, claims("market=KRW-XRP"))
    assert reply.error == (401, "invalid_query_payload")
    assert reply.json["error"]["message"] == "Failed to verify the query of Jwt."
    assert signed(rig, {"access_key": "paper"}).error == (401, "invalid_query_payload")


@case("A012", "A comma list is one value of the hash", "3")
def comma_lists(rig: Rig) -> None:
    reply = rig.delete("orders/open", pairs="KRW-BTC,KRW-XRP")
    assert (reply.status, reply.json["success"]["count"]) == (200, 0)


@case("A013", "A body is hashed as key=value in its own order, never as its JSON text", "3")
def body_hash(rig: Rig) -> None:
    body = {"side": "bid", "market": "KRW-BTC", "price": "50000000", "volume": "0.001", "ord_type": "limit"}
    assert rig.post("orders", body).status == 201
    raw = json.dumps(body)
    for text in (raw, "&".join(f"{name}={body[name]}" for name in sorted(body))):
        headers = {"Authorization": token("paper", text, rig.nonce()), "Content-Type": "application/json"}
        assert rig.send("POST", "/v1/orders", (), raw.encode(), **headers).error == (401, "invalid_query_payload")


@case("A014", "Without parameters no hash is needed, and SHA512 need not be named", "3")
def no_hash(rig: Rig) -> None:
    bearer = "Bearer " + jwt.encode({"access_key": "paper", "nonce": rig.nonce()}, SECRET, algorithm="HS512")
    assert rig.send("GET", "/v1/accounts", Authorization=bearer).status == 200
    short = claims()
    del short["query_hash_alg"]
    assert signed(rig, short).status == 200
    assert signed(rig, claims(query_hash_alg="SHA256")).error == (401, "invalid_query_payload")


@case("A015", "Each call needs the right of its group, and nothing else", "3")
def scopes(rig: Rig) -> None:
    served = rig.send("GET", "/simulator/openapi.json").json["paths"]
    signed_paths = {
        (method.upper(), path.removeprefix("/v1/"))
        for path, calls in served.items()
        for method, call in calls.items()
        if path.startswith("/v1/") and "security" in call
    }
    assert signed_paths == {*NEEDS, *(("GET", path) for path in FOR_ANY)}
    for (method, path), right in NEEDS.items():
        reply = asked(rig, method, path, right)
        assert reply.status == 200 or reply.error[1] != "out_of_scope", (method, path)
        for other in sorted(RIGHTS - {right}):
            status, name = asked(rig, method, path, other).error
            assert (status in (401, 403), name) == (True, "out_of_scope"), (method, path, other)


@case("A016", "Wallet states and keys are shown to any key", "3")
def any_key(rig: Rig) -> None:
    for path in FOR_ANY:
        assert rig.get(path, key="none").status == 200


@case("A017", "A missing right is 401 out_of_scope with the documented words", "6", "face.out_of_scope_status")
def out_of_scope(rig: Rig) -> None:
    reply = enter(rig, "none")
    assert reply.error == (401, "out_of_scope")
    assert reply.json["error"]["message"] == "권한이 부족합니다."


@case("A018", "The withdrawal right shows in a cancel of nothing, and our client sees whether a key has it", "4.8")
def withdrawal_right(rig: Rig) -> None:
    assert isinstance(rig.customer("paper").withdrawal_right(), NoRight)


@case("A019", "A key that may withdraw is told by our client", "4.8", "venue.missing_withdrawal")
def withdrawal_right_seen(rig: Rig) -> None:
    assert isinstance(rig.customer("all").withdrawal_right(), HasRight)


@case("A020", "The checks come in the order signature, key, address, nonce, hash, right", "13", "face.checks")
def order_of_checks(rig: Rig) -> None:
    def first(access: str, text: str = "market=KRW-BTC", nonce: str | None = None, secret: str = SECRET) -> Any:
        given = claims(text, access, nonce=nonce or rig.nonce())
        return signed(rig, given, secret=secret).error[1]

    assert first("old", "x", secret="x" * 64) == "jwt_verification"
    assert first("old", "x") == "expired_access_key"
    assert first("far", "x") == "no_authorization_ip" or first("far", "x") == "no_authorization_i_p"
    assert signed(rig, claims(access="none", nonce="n")).error[1] == "out_of_scope"
    assert first("none", "x", "n") == "nonce_used"
    assert first("none", "x") == "invalid_query_payload"


@case("A021", "A DELETE with a body is 400 QUERY_PARAMETER_NOT_SUPPORTED", "1", "face.body_parameters")
def delete_with_body(rig: Rig) -> None:
    headers = {"Authorization": token("paper", "", rig.nonce()), "Content-Type": "application/json"}
    reply = rig.send("DELETE", "/v1/order", (), b'{"uuid":"x"}', **headers)
    assert reply.error == (400, "QUERY_PARAMETER_NOT_SUPPORTED")


@case("A022", "A POST's form is not understood", "1", "face.body_parameters")
def form(rig: Rig) -> None:
    text = "market=KRW-BTC&side=bid&ord_type=price&price=6000"
    headers = {
        "Authorization": token("paper", text, rig.nonce()),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    reply = rig.send("POST", "/v1/orders", (), text.encode(), **headers)
    assert 400 <= reply.status < 500
    assert rig.get("orders/open").json == []
