"""What a request brings: its query, its JSON body, and the text of both that its sender had to sign."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import msgspec

from makenaide.exchange.http import Pairs, Request
from makenaide.exchange.simulator.core.validation import Body, Spelled
from makenaide.exchange.simulator.rest.gatekeeper import as_signed, body_text, query_text
from makenaide.exchange.simulator.rest.query import Query

_FORM = "application/x-www-form-urlencoded"
_BODIES = msgspec.json.Decoder(float_hook=Spelled)
_UNWRITABLE = (msgspec.MsgspecError, RecursionError, ValueError)
"""What writing a body's values again may raise although they could be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """`signed` is the text whose hash was signed ("" = nothing; None = what was sent cannot be read)."""

    query: Query
    body: Body = field(default_factory=dict)
    signed: str | None


def payload(request: Request, headers: Mapping[str, str], *, lenient: bool) -> Payload:
    """What `request` brings, by its lower-case `headers`.

    A POST brings a JSON object, and no form (upbit-api.md section 1); anything else brings its query, or, if
    `lenient` and there is no query, what it has in its body.
    """
    form = headers.get("content-type", "").lower().startswith(_FORM)
    if request.method == "POST" and request.body:
        return _posted(request, form=form, lenient=lenient)
    pairs = request.query
    if lenient and request.body and not pairs:
        try:
            pairs = _form(request.body) if form else _as_pairs(_object(request.body) or {})
        except _UNWRITABLE:
            return Payload(query=Query(()), signed=None)
    return Payload(query=Query(pairs), signed=query_text(pairs))


def _posted(request: Request, *, form: bool, lenient: bool) -> Payload:
    query = Query(request.query)
    if form:
        pairs = _form(request.body or b"") if lenient else ()
        return Payload(query=query, body=dict(pairs), signed=query_text(pairs) if lenient else None)
    body = _object(request.body or b"")
    try:
        signed = None if body is None else body_text(body)
    except _UNWRITABLE:
        return Payload(query=query, signed=None)
    return Payload(query=query, body=body or {}, signed=signed)


def _object(body: bytes) -> dict[str, object] | None:
    """The JSON object in `body`; None when there is none."""
    try:
        found = _BODIES.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _form(body: bytes) -> Pairs:
    return tuple(parse_qsl(body.decode("latin-1"), keep_blank_values=True))


def _as_pairs(body: Mapping[str, object]) -> Pairs:
    """A JSON body read as a query: the signed text is the same."""
    pairs: list[tuple[str, str]] = []
    for name, value in body.items():
        if isinstance(value, list):
            pairs.extend((f"{name.removesuffix('[]')}[]", as_signed(each)) for each in value)
        else:
            pairs.append((name, as_signed(value)))
    return tuple(pairs)
