"""The same subjects under Hypothesis, which shows what fails at its smallest; calls from the face's description."""

import json
import random
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.rest.asgi import pairs
from makenaide.exchange.simulator.rest.gatekeeper import query_text
from makenaide.exchange.simulator.rest.payload import payload
from makenaide.exchange.upbit.retry import RetrySettings
from tests.fuzz.faces import Asked, Faces
from tests.fuzz.frames import Frames
from tests.fuzz.ground import ground
from tests.fuzz.material import NUMBERS, PAGES, WORDS
from tests.fuzz.replies import TRUE, Answered, Calls
from tests.fuzz.signing import claims, token
from tests.unit.test_simulator_openapi import CALLS, Call
from tests.unit.upbit_frames import ALL, short

EXAMPLES = 300

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from((*WORDS, *NUMBERS))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of every part of `value`."""
    found = [at]
    if isinstance(value, dict | list):
        for name in value if isinstance(value, dict) else range(len(value)):
            found += paths(value[name], (*at, name))
    return found


def put(value: Any, at: tuple[Any, ...], part: Any) -> Any:
    """`value` with `part` in that place."""
    if not at:
        return part
    if isinstance(value, dict):
        return value | {at[0]: put(value[at[0]], at[1:], part)}
    return [put(each, at[1:], part) if number == at[0] else each for number, each in enumerate(value)]


@st.composite
def bodies(draw: st.DrawFn, true: Any) -> bytes:
    """`true` with one part replaced, or whatever."""
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return draw(st.binary(max_size=60) | st.sampled_from(PAGES))
    value = draw(VALUES) if kind == 1 else put(true, draw(st.sampled_from(paths(true))), draw(VALUES))
    return json.dumps(value).encode()


@st.composite
def answers(draw: st.DrawFn) -> Answered:
    """A call and its reply."""
    name = draw(st.sampled_from(sorted(TRUE)))
    headers = draw(
        st.fixed_dictionaries(
            {}, optional=dict.fromkeys(("date", "remaining-req", "retry-after"), st.text(max_size=30))
        )
    )
    status = draw(st.sampled_from((200, 201, 400, 404, 418, 429, 500)))
    response = Response(status=status, headers=headers, body=draw(bodies(TRUE[name])))
    return Answered(name, (response,), RetrySettings(attempts=1, breaker_failures=1000))


@settings(max_examples=EXAMPLES)
@given(answered=answers())
def test_every_reply_is_met_by_every_call(answered: Answered) -> None:
    Calls().check(answered)


@settings(max_examples=EXAMPLES)
@given(
    data=st.data(),
    frame=st.sampled_from([json.loads(each) for each in (*ALL.values(), *map(short, ALL.values()))]),
)
def test_every_message_is_met_by_the_parser_of_the_stream(data: st.DataObject, frame: Any) -> None:
    listed = data.draw(st.booleans())
    Frames().check(data.draw(bodies([frame] if listed else frame)))


def values_of(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """What the description allows, its bounds and one beyond, and, now and then, anything."""
    if schema["type"] == "array":
        longest = schema.get("maxItems", 3)
        return st.lists(values_of(schema["items"]), min_size=0, max_size=min(longest + 1, 25))
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    found: list[st.SearchStrategy[Any]] = [SCALARS]
    if "enum" in schema:
        found += [st.sampled_from(schema["enum"])] * 3
    elif "integer" in kinds or "number" in kinds:
        low, high = schema.get("minimum", 0), schema.get("maximum", 10**9)
        found += [
            st.integers(low - 1, high + 1),
            st.sampled_from((low, high)),
            st.sampled_from(("0.001", "5000", "1")),
        ]
    elif "object" in kinds:
        found.append(st.dictionaries(st.text(max_size=8), VALUES, max_size=3))
    else:
        longest = schema.get("maxLength", 12)
        found += [st.text(min_size=schema.get("minLength", 0), max_size=longest + 1), st.sampled_from(_TEXTS)]
    return st.one_of(found)


_TEXTS = ("KRW-BTC", "KRW-XRP", "BTC", "KRW", "100000000", "90000000", "0.01", "2026-01-05T00:00:00Z", "a", "b")


@st.composite
def asks(draw: st.DrawFn) -> tuple[Call, dict[str, Any]]:
    """A described call with values for some of its parameters."""
    call = draw(st.sampled_from(CALLS))
    optional = {name: values_of(schema) for name, schema in call.names.items() if name not in call.required}
    required = {name: values_of(call.names[name]) for name in sorted(call.required)}
    return call, draw(st.fixed_dictionaries(required, optional=optional))


def request_of(call: Call, given_: Mapping[str, Any], nonce: int) -> Asked:
    """The signed request."""
    query, body = b"", b""
    if call.method == "POST":
        body = json.dumps(given_).encode()
    else:
        parts = [
            (name, part) for name, each in given_.items() for part in (each if isinstance(each, list) else [each])
        ]
        spelled = [f"{quote(name, safe='[]')}={quote(str(part), errors='replace')}" for name, part in parts]
        query = "&".join(spelled).encode()
    headers = [(b"content-type", b"application/json")]
    if call.guarded:
        request = Request(method=call.method, path=call.path, query=pairs(query.decode()), body=body or None)
        words = query_text(request.query) if query else payload(request, {}, lenient=False).signed or ""
        headers.append((b"authorization", b"Bearer " + token(claims("one", words, f"n{nonce}"))))
    return Asked(call.method, call.path, query, tuple(headers), body, "127.0.0.1")


@settings(max_examples=EXAMPLES)
@given(script=st.lists(asks(), min_size=1, max_size=4), seed=st.integers(0, 3))
def test_every_described_call_is_answered_as_described(
    script: list[tuple[Call, dict[str, Any]]], seed: int
) -> None:
    bench = Faces(ground(random.Random(seed)))
    for nonce, (call, values) in enumerate(script):
        bench.check(request_of(call, values, nonce))
    bench.close()
