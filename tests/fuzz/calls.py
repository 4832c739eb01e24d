"""Calls made from the face's own OpenAPI description: fitting ones, and ones that are wrong in every way."""

import random
from collections.abc import Callable, Mapping
from typing import Any

from makenaide.domain.market import Market
from tests.fuzz.ground import Ground
from tests.fuzz.material import WORDS, scalar, text, value
from tests.unit.test_simulator_openapi import CALLS, Call, described

DESCRIBED: Mapping[tuple[str, str], frozenset[int]] = {
    (method.upper(), path): frozenset(map(int, operation["responses"])) - {500, 507}
    for path, methods in described()["paths"].items()
    for method, operation in methods.items()
}
"""The statuses that each call may answer with; no scenario asks for a 500 here, and the disk is never full."""

_MARKETS = ("KRW-BTC", "KRW-XRP", "BTC-ETH", "KRW-ETH", "KRW-ADA", "krw-btc")
_TIMES = (
    *("2026-01-05T00:00:00Z", "2026-01-05T00:00:01+00:00", "2026-01-05 09:00:00", "2025-12-31T23:59:59 09:00"),
    *("1767571200000", "1767571201000", "0", "-1", "99999999999999", "9999-12-31T23:59:59-12:00", "0001-01-01"),
)
_SAMPLES: Mapping[str, tuple[str, ...]] = {
    "market": _MARKETS,
    "markets": (*_MARKETS, "KRW-BTC,KRW-XRP", ",", "KRW-BTC," * 300),
    "pairs": ("KRW-BTC", "KRW-BTC,KRW-XRP"),
    "excluded_pairs": ("KRW-XRP",),
    "exclude_pairs": ("KRW-XRP",),
    "quote_currencies": ("KRW", "KRW,BTC", "USDT", "EUR"),
    "currency": ("BTC", "KRW", "XRP", "ETH", "NOPE"),
    "net_type": ("BTC", "XRP", "ETH"),
    "ord_type": ("limit", "limit", "limit", "price", "market", "best"),
    "new_ord_type": ("limit", "limit", "price", "market", "best"),
    "side": ("bid", "ask"),
    "time_in_force": ("ioc", "fok", "post_only"),
    "volume": ("0.001", "0.01", "1", "10", "0.00000001", "1e-3", "99999999999"),
    "new_volume": ("0.001", "1", "remain_only", "10"),
    "amount": ("10000", "5000", "0.5", "1000000000000"),
    "identifier": tuple("abcdefghij"),
    "new_identifier": tuple("klmnop"),
    "prev_order_identifier": tuple("abcdefghij"),
    "state": ("wait", "done", "cancel", "watch", "ACCEPTED"),
    "to": _TIMES,
    "start_time": _TIMES,
    "end_time": _TIMES,
    "until": _TIMES[:3],
    "count": ("1", "200", "30", "500"),
    "limit": ("1", "100"),
    "page": ("1", "2", "1000000"),
    "cursor": ("17675712000000000", "1"),
    "level": ("0", "10000", "1000", "0.1"),
    "txid": ("0",),
}
_ORDERS = ("/v1/orders", "/v1/orders/test")


def fields(call: Call, rng: random.Random, where: Ground) -> dict[str, Any]:
    """Values for `call`: mostly what fits, some wrong, some left out, some that nobody asked for, some twice."""
    chosen = [name for name in call.names if rng.random() < (0.95 if name in call.required else 0.3)]
    given = {name: _value(name, call.names[name], rng, where) for name in chosen}
    if call.method == "POST" and call.path in _ORDERS and rng.random() < 0.8:
        given = order(rng, where)
    if rng.random() < 0.08 and given:
        name = rng.choice(list(given))
        given[name] = [given[name], _value(name, call.names.get(name, {}), rng, where)]
    if rng.random() < 0.15 and given:
        given[rng.choice(list(given))] = rng.choice(WORDS) if rng.random() < 0.6 else value(rng)
    if rng.random() < 0.06:
        given[rng.choice(("market[]", "uuids", "", text(rng, 10)))] = scalar(rng)
    return given


def any_call(rng: random.Random) -> Call:
    """A described call; orders come more often than the rest, since everything else lives off them."""
    return rng.choice(_FAVOURED if rng.random() < 0.4 else CALLS)


def order(rng: random.Random, where: Ground) -> dict[str, Any]:
    market, kind = rng.choice(_MARKETS[:3]), rng.choice(("limit", "limit", "limit", "price", "market", "best"))
    side = {"price": "bid", "market": "ask"}.get(kind, rng.choice(("bid", "ask")))
    body: dict[str, Any] = {"market": market, "side": side, "ord_type": kind}
    if kind == "limit":
        body["price"] = where.near(market, rng)
    elif side == "bid":
        body["price"] = rng.choice(("5000", "60000.5", "0.01", "999999"))
    if kind == "limit" or side == "ask":
        body["volume"] = rng.choice(("0.001", "0.02", "15", "300.12345678", "0.5"))
    if kind == "best" or rng.random() < 0.2:
        body["time_in_force"] = rng.choice(("ioc", "fok", "post_only") if kind == "limit" else ("ioc", "fok"))
    if rng.random() < 0.5:
        body["identifier"] = rng.choice(_SAMPLES["identifier"])
    if rng.random() < 0.3:
        body["smp_type"] = rng.choice(("cancel_maker", "cancel_taker", "reduce"))
    return body


def _value(name: str, schema: Mapping[str, Any], rng: random.Random, where: Ground) -> Any:
    bare = name.removesuffix("[]")
    if bare in ("uuid", "uuids", "prev_order_uuid"):
        return _uuid(rng, where)
    if bare in ("price", "new_price"):
        return where.near(Market(rng.choice(_MARKETS[:3])), rng)
    if bare == "fences":
        return {
            "KRW-BTC": {"floor": rng.choice(("1", "99000000", "x")), "peak": rng.choice(("110000000", 5, None))}
        }
    shape = schema.get("items", schema)
    makers: list[Callable[[], Any]] = [lambda: rng.choice(shape["enum"])] if "enum" in shape else []
    if bare in _SAMPLES:
        makers.append(lambda: rng.choice(_SAMPLES[bare]))
    if "minimum" in schema or "maximum" in schema:
        low, high = schema.get("minimum", -1), schema.get("maximum", 2**31)
        makers.append(lambda: rng.choice((low, high, low - 1, high + 1, rng.randint(low, high))))
    if "maxLength" in schema or "minLength" in schema:
        makers.append(lambda: "x" * max(0, schema.get("maxLength", 10) + rng.choice((-1, 0, 1))))
    if not makers:
        makers.append(lambda: rng.choice(WORDS))
    return rng.choice(makers)()


def _uuid(rng: random.Random, where: Ground) -> str:
    account = where.venue.accounts[rng.choice(("one", "two"))]
    if account.history and rng.random() < 0.8:
        return rng.choice(account.history[-20:]).uuid
    return rng.choice(("0", "00000000-0000-0000-0000-000000000000", text(rng)))


_CHANGING = [call for call in CALLS if "order" in call.path and call.method != "GET"]
_FAVOURED = (*_CHANGING, *[call for call in _CHANGING if call.path == "/v1/orders"] * 12)
