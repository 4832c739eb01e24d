"""The face's own description is true: what it calls required is required, what it forbids is refused."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.rest.openapi import PATH
from makenaide.exchange.simulator.settings import ApiKey, FaceSettings, Pace, QuotaSettings, VenueSettings
from tests.unit.simulator_street import BEGIN, SECRET, Customer, decoded, flat, opened

EVERY_SCOPE = frozenset(
    "view_account view_orders make_orders view_withdrawals withdraw view_deposits deposit transfer "
    "manage_pockets".split()
)
ORDER = {"market": "KRW-BTC", "side": "bid", "ord_type": "limit", "price": "90000000", "volume": "0.001"}
GIVEN: Mapping[str, Any] = {
    "market": "KRW-BTC",
    "markets": "KRW-BTC",
    "quote_currencies": "KRW",
    "side": "bid",
    "ord_type": "limit",
    "currency": "BTC",
    "net_type": "BTC",
    "amount": "10000",
    "two_factor_type": "kakao",
    "address": "an-address",
    "uuid": "0",
    "to": "another-pocket",
    "until": "2026-01-05T00:00:01Z",
    "new_ord_type": "limit",
    "deposit_uuid": "0",
    "vasp_uuid": "0",
    "txid": "0",
}
"""A good value for everything that any call requires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One described call: `names` are its parameters' schemas, `required` those that it cannot do without."""

    method: str
    path: str
    names: Mapping[str, Mapping[str, Any]]
    required: frozenset[str]
    guarded: bool
    success: int

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def face() -> Face:
    venue = opened(flat())
    key = ApiKey(access="paper", secret=SECRET, account="paper", scopes=EVERY_SCOPE)
    return Face(venue, [key], FaceSettings(quota=QuotaSettings(enforced=False)))


def described() -> Any:
    return decoded(face().handle(Request(method="GET", path=PATH)))


def calls() -> Iterator[Call]:
    for path, methods in described()["paths"].items():
        for method, operation in methods.items():
            names = {each["name"]: each["schema"] for each in operation.get("parameters", ())}
            required = {each["name"] for each in operation.get("parameters", ()) if each["required"]}
            if "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                names, required = schema["properties"], set(schema.get("required", ()))
            success = next(int(status) for status in operation["responses"] if status.startswith("2"))
            yield Call(
                method=method.upper(),
                path=path,
                names=names,
                required=frozenset(required),
                guarded="security" in operation,
                success=success,
            )


CALLS = tuple(calls())


def sent(call: Call, values: Mapping[str, Any]) -> Response:
    """`call` with `values`; a list stands for a repeated name."""
    someone = Customer(face())
    if call.method == "POST":
        return someone.post(call.path, values)
    pairs = [(name, str(each)) for name, value in values.items() for each in _each(value)]
    if call.method == "DELETE":
        return someone.delete(call.path, *pairs)
    return someone.get(call.path, *pairs)


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def good(call: Call) -> dict[str, Any]:
    """What `call` requires, and what an order needs beside."""
    values = {name: GIVEN[name] for name in call.required}
    return dict(ORDER) if call.path in ("/v1/orders", "/v1/orders/test") and call.method == "POST" else values


def refused(reply: Response) -> bool:
    return reply.status in (400, 404) and set(decoded(reply)) == {"error"}


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_call_is_answered_with_what_it_requires_and_with_a_described_status(call: Call) -> None:
    reply = sent(call, good(call))
    described_statuses = described()["paths"][call.path][call.method.lower()]["responses"]
    assert str(reply.status) in described_statuses
    if call.path.startswith(("/v1/candles", "/v1/ticker", "/v1/orderbook", "/v1/trades", "/v1/market")):
        assert reply.status == call.success


REQUIRED = [(call, name) for call in CALLS for name in sorted(call.required)]


@pytest.mark.parametrize(("call", "name"), REQUIRED, ids=str)
def test_what_is_required_is_required(call: Call, name: str) -> None:
    values = good(call)
    assert refused(sent(call, {key: value for key, value in values.items() if key != name}))


CHOSEN = [
    (call, name)
    for call in CALLS
    for name, schema in call.names.items()
    if "enum" in schema or "enum" in schema.get("items", {}) or schema["type"] == "boolean"
]


@pytest.mark.parametrize(("call", "name"), CHOSEN, ids=str)
def test_only_the_choices_are_accepted(call: Call, name: str) -> None:
    assert refused(sent(call, good(call) | {name: "no-such-choice"}))


def beyond() -> Iterator[tuple[Call, str, Any]]:
    """Every value that lies one beyond a described bound."""
    for call in CALLS:
        for name, schema in call.names.items():
            if "minimum" in schema:
                yield call, name, schema["minimum"] - 1
            if "maximum" in schema:
                yield call, name, schema["maximum"] + 1
            if "maxLength" in schema:
                yield call, name, "x" * (schema["maxLength"] + 1)
            if "maxItems" in schema:
                yield call, name, [str(number) for number in range(schema["maxItems"] + 1)]


@pytest.mark.parametrize(("call", "name", "value"), tuple(beyond()), ids=lambda each: str(each)[:60])
def test_nothing_beyond_the_bounds_is_accepted(call: Call, name: str, value: Any) -> None:
    assert refused(sent(call, good(call) | {name: value}))


TYPED = [
    (call, name)
    for call in CALLS
    for name, schema in call.names.items()
    if schema["type"] in ("integer", "number", "object") or schema["type"] == ["string", "number"]
]


@pytest.mark.parametrize(("call", "name"), TYPED, ids=str)
def test_a_number_is_a_number(call: Call, name: str) -> None:
    assert refused(sent(call, good(call) | {name: "12x"}))


SIGNED = [call for call in CALLS if call.guarded]


@pytest.mark.parametrize("call", SIGNED, ids=str)
def test_a_call_with_security_needs_its_token(call: Call) -> None:
    assert face().handle(Request(method=call.method, path=call.path)).status == 401


def test_everything_that_is_served_is_described_and_the_other_way_round() -> None:
    served = {(route.method, route.path) for route in face().routes}
    assert served == {(call.method, call.path) for call in CALLS}
    assert len(served) == len(face().routes) > 40


def test_each_call_has_its_own_name_and_each_reference_a_target() -> None:
    document = described()
    assert document["openapi"] == "3.1.0"
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names)
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', str(document).replace("'", '"'))):
        place = document
        for step in reference.split("/"):
            place = place[step]


def test_stepping_is_described_only_where_time_is_stepped() -> None:
    class Standing:
        def now(self) -> Any:
            return BEGIN

        def sleep(self, seconds: float) -> None:
            raise AssertionError

    venue = opened(flat(), settings=VenueSettings(pace=Pace.REAL))
    document = decoded(Face(venue, [], FaceSettings(), Standing()).handle(Request(method="GET", path=PATH)))
    assert "/simulator/advance" not in document["paths"]
    assert "/simulator/advance" in described()["paths"]
