"""Who may open a stream: the HTTP request that asks for the upgrade (upbit-api.md sections 3, 7, 9)."""

from dataclasses import dataclass
from typing import Final

from makenaide.domain.errors import MakenaideError
from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.core.errors import NO_ROUTE, Refused, refused
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.rest.gatekeeper import Visit
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
            return face.refusal(Refused(404, "not_found", NO_ROUTE), {})
        if request.path == PRIVATE_PATH:
            return _private(face, headers.get("authorization"), peer)
        group = "origin" if "origin" in headers else "websocket-connect"
        verdict = face.quota.spend(group, peer, face.venue.now)
        return face.too_many(verdict, {}) if verdict.status != 200 else Admission(remaining=verdict.header)
    except (Refused, MakenaideError) as fault:
        return face.refusal(fault, {})


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
        return face.too_many(verdict, {})
    return Admission(remaining=verdict.header, key=key, unknown=key is None)
