"""The travel rule: the venue's sister exchanges, of which there are none here, and who sent a deposit.

Paths and fields are those of the official SDK 1.1.0; whether a verified deposit would be set free is not simulated.
"""

from makenaide.exchange.simulator.core.errors import invalid_field, refused
from makenaide.exchange.simulator.core.validation import Body
from makenaide.exchange.simulator.rest.replies import Json
from makenaide.exchange.simulator.rest.route import Guarded, Parameter

_BY_UUID = (Parameter("deposit_uuid", required=True), Parameter("vasp_uuid", required=True))
_BY_TXID = tuple(Parameter(name, required=True) for name in ("txid", "vasp_uuid", "currency", "net_type"))


class Travel:
    """Answers the travel rule's calls: no deposit waits for a verification."""

    def routes(self) -> list[Guarded]:
        """Every call of the travel rule."""
        return [
            Guarded(
                method="GET",
                path="/v1/travel_rule/vasps",
                group="default",
                scope="view_deposits",
                handler=lambda _who, _query, _body: [],
            ),
            _verifying("uuid", _BY_UUID),
            _verifying("txid", _BY_TXID),
        ]


def _verifying(name: str, asked: tuple[Parameter, ...]) -> Guarded:
    return Guarded(
        method="POST",
        path=f"/v1/travel_rule/deposit/{name}",
        group="default",
        scope="deposit",
        handler=lambda _who, _query, body: _verified(body, asked),
        success=201,
        parameters=asked,
    )


def _verified(body: Body, asked: tuple[Parameter, ...]) -> Json:
    for parameter in asked:
        if not isinstance(body.get(parameter.name), str):
            raise invalid_field(parameter.name, missing=parameter.name not in body)
    raise refused("deposit_not_found")
