"""Who may open a stream: the HTTP request that asks for the upgrade (upbit-api.md sections 3, 7, 9)."""

from dataclasses import dataclass
from email.utils import format_datetime
from typing import Final

import msgspec

from makenaide.domain.errors import MakenaideError
from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.core.errors import NO_ROUTE, Refused, refused
from makenaide.exchange.simulator.rest.face import TOO_MANY, Face
from makenaide.exchange.simulator.rest.gatekeeper import Visit
from makenaide.exchange.simulator.rest.quota import Verdict
from makenaide.exchange.simulator.settings import ApiKey, BadToken

PUBLIC_PATH: Final = "/websocket/v1"
PRIVATE_PATH: Final = "/websocket/v1/private"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The upgrade is granted with the header `remaining`; `key` on the private endpoint.

    `unknown`: the token was not good, and the settings want a frame to say so.
    """

    remaining: str
    key: ApiKey | None = None
    unknown: bool = False


def admit(face: Face, request: Request, peer: str) -> Admission | Response:
    """Let the caller at address `peer` in, or say why not, as the REST face says it."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        face.tick(headers)
        if request.path not in (PUBLIC_PATH, PRIVATE_PATH):
            return _error(face, 404, "not_found", NO_ROUTE)
        if request.path == PRIVATE_PATH:
            return _private(face, headers.get("authorization"), peer)
        group = "origin" if "origin" in headers else "websocket-connect"
        verdict = face.quota.spend(group, peer, face.venue.now)
        return _too_many(face, verdict) if verdict.status != 200 else Admission(remaining=verdict.header)
    except Refused as refusal:
        return _error(face, refusal.status, str(refusal.name), refusal.message)
    except MakenaideError as fault:
        return _error(face, 500, "internal_server_error", str(fault))


def _private(face: Face, authorization: str | None, peer: str) -> Admission | Response:
    visit = Visit(authorization=authorization, parameters="", peer=peer, at=face.venue.now)
    key: ApiKey | None = None
    try:
        key = face.gatekeeper.enter(visit)
        if key.account not in face.venue.accounts:
            raise refused("invalid_access_key")
    except Refused:
        if face.settings.stream.bad_token is BadToken.REFUSED:
            raise
        key = None
    who = peer if key is None else f"account {key.account}"
    verdict = face.quota.spend("websocket-connect", who, face.venue.now)
    if verdict.status != 200:
        return _too_many(face, verdict)
    return Admission(remaining=verdict.header, key=key, unknown=key is None)


def _too_many(face: Face, verdict: Verdict) -> Response:
    message = TOO_MANY + (f" Blocked for {verdict.blocked} seconds." if verdict.blocked else "")
    if face.settings.quota.json_body:
        refusal = _error(face, verdict.status, "too_many_requests", message)
    else:
        refusal = _reply(face, verdict.status, message.encode(), "text/plain")
    return Response(
        status=refusal.status, headers={**refusal.headers, "remaining-req": verdict.header}, body=refusal.body
    )


def _error(face: Face, status: int, name: str, message: str) -> Response:
    body = msgspec.json.encode({"error": {"name": name, "message": message}})
    return _reply(face, status, body, "application/json")


def _reply(face: Face, status: int, body: bytes, kind: str) -> Response:
    date = format_datetime(face.venue.now, usegmt=True)
    return Response(status=status, headers={"content-type": f"{kind}; charset=utf-8", "date": date}, body=body)
