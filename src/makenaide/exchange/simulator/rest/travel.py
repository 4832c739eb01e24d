"""The travel rule: the venue's sister exchanges, of which there are none here, and who sent a deposit.

Paths and fields are those of the official SDK 1.1.0; whether a verified deposit would be set free is not simulated.
"""

from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.errors import invalid_field, refused
from makenaide.exchange.simulator.core.treasury import Direction, TransferState
from makenaide.exchange.simulator.core.validation import Body, given
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest import remittances
from makenaide.exchange.simulator.rest.replies import Json
from makenaide.exchange.simulator.rest.route import Guarded, Parameter

_BY_UUID = (Parameter("deposit_uuid", required=True), Parameter("vasp_uuid", required=True))
_BY_TXID = tuple(Parameter(name, required=True) for name in ("txid", "vasp_uuid", "currency", "net_type"))


class Travel:
    """Answers the travel rule's calls: with no sister exchange, nobody can say who sent a deposit that waits."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

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
            self._verifying("uuid", _BY_UUID),
            self._verifying("txid", _BY_TXID),
        ]

    def _verifying(self, name: str, asked: tuple[Parameter, ...]) -> Guarded:
        return Guarded(
            method="POST",
            path=f"/v1/travel_rule/deposit/{name}",
            group="default",
            scope="deposit",
            handler=lambda who, _query, body: self._verified(who, body, asked),
            success=201,
            parameters=asked,
        )

    def _verified(self, account: Account, body: Body, asked: tuple[Parameter, ...]) -> Json:
        told = {each.name: given(body.get(each.name), each.name) for each in asked}
        for each in self._venue.treasury.of(account.name, Direction.DEPOSIT):
            known = remittances.transfer(each) | {"deposit_uuid": each.uuid}
            meant = all(known.get(name, value) == value for name, value in told.items())
            if meant and each.state is TransferState.TRAVEL_RULE_SUSPECTED:
                raise invalid_field("vasp_uuid")
        raise refused("deposit_not_found")
