"""An account's keys and pockets: one main pocket each, as nobody makes others (upbit-api.md sections 3 and 4.8)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from makenaide.domain.clock import kst
from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.errors import refused
from makenaide.exchange.simulator.core.validation import Body, amount_of, given
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest import replies, selection
from makenaide.exchange.simulator.rest.query import Query
from makenaide.exchange.simulator.rest.replies import Json
from makenaide.exchange.simulator.rest.route import Guarded, Kind, MoneyRow, Parameter, money_routes
from makenaide.exchange.simulator.settings import ApiKey

VALID = timedelta(days=365)
"""How long a key is valid (upbit-api.md section 3); one that never expires always has this left."""

_MOST_TRANSFERS = 100
_WISH = (
    Parameter("to", required=True),
    Parameter("currency", required=True),
    Parameter("amount", Kind.NUMBER, required=True),
    Parameter("identifier"),
)
_HISTORY = (
    Parameter("currency"),
    selection.UUIDS,
    selection.IDENTIFIERS,
    selection.limit_up_to(_MOST_TRANSFERS),
    selection.ORDER_BY,
    *selection.TIMES,
)


class Pockets:
    """Answers for `keys` and for the pocket of each account."""

    def __init__(self, venue: Venue, keys: Sequence[ApiKey]) -> None:
        self._venue = venue
        self._keys = tuple(keys)

    def routes(self) -> list[Guarded]:
        """Every call for keys and pockets."""
        manage, transfer = "manage_pockets", "transfer"
        assets = (Parameter("uuid", required=True),)
        keys = (selection.UUIDS, Parameter("include_expired", Kind.BOOLEAN))
        rows: list[MoneyRow] = [
            ("GET", "api_keys", None, lambda who, _q, _b: self.keys(who), ()),
            ("GET", "pockets", manage, lambda who, _q, _b: self.pockets(who), ()),
            ("GET", "pockets/assets", manage, lambda who, q, _b: self.assets(who, q), assets),
            ("GET", "pockets/api_keys", manage, lambda who, q, _b: self.pocket_keys(who, q), keys),
        ]
        for path in ("pockets/transfers", "pockets/universal_transfers"):
            rows.append(("GET", path, transfer, lambda _who, q, _b: self.transfers(q), _HISTORY))
            rows.append(("POST", path, transfer, lambda who, _q, b: self.move(who, b), _WISH))
        return money_routes(rows)

    def keys(self, account: Account) -> list[Json]:
        """GET /v1/api_keys: every key of the account."""
        return [{"access_key": key.access, "expire_at": _written(self._end(key))} for key in self._of(account)]

    def pockets(self, account: Account) -> list[Json]:
        """GET /v1/pockets."""
        return [{"uuid": self._pocket(account), "name": "main", "type": "main"}]

    def assets(self, account: Account, query: Query) -> list[Json]:
        """GET /v1/pockets/assets: the balances of the pocket asked."""
        self._require_pocket(account, query.one("uuid"), "uuid")
        return replies.accounts(account.wallet)

    def pocket_keys(self, account: Account, query: Query) -> list[Json]:
        """GET /v1/pockets/api_keys: the keys with their rights; expired ones only when asked for."""
        expired, uuids = selection.flag(query, "include_expired"), query.all("uuids")
        for uuid in uuids:
            self._require_pocket(account, uuid, "uuids")
        shown = [key for key in self._of(account) if expired or self._end(key) > self._venue.now]
        rows = [
            {
                "access_key": key.access,
                "expired_at": _written(self._end(key)),
                "created_at": _written(self._begin(key)),
                "permissions": sorted(key.scopes),
                "allowed_ips": list(key.addresses),
            }
            for key in shown
        ]
        return [{"uuid": self._pocket(account), "keys": rows}]

    def transfers(self, query: Query) -> list[Json]:
        """GET /v1/pockets/transfers and /v1/pockets/universal_transfers: none, as there is one pocket."""
        selection.window(query, self._venue.now)
        selection.whole(query, "limit", _MOST_TRANSFERS, _MOST_TRANSFERS)
        selection.newest_first(query)
        return []

    def move(self, account: Account, body: Body) -> Json:
        """POST on the same paths: there is no other pocket to move anything to."""
        given(body.get("currency"), "currency")
        amount_of(body, "amount")
        self._require_pocket(account, body.get("to"), "to")
        raise refused("invalid_parameter")

    def _of(self, account: Account) -> list[ApiKey]:
        return [key for key in self._keys if key.account == account.name]

    def _pocket(self, account: Account) -> str:
        return self._venue.ids.of(f"pocket {account.name}")

    def _require_pocket(self, account: Account, uuid: object, field: str) -> None:
        if given(uuid, field) != self._pocket(account):
            raise refused("pocket_not_found")

    def _end(self, key: ApiKey) -> datetime:
        return key.expires_at or self._venue.now + VALID

    def _begin(self, key: ApiKey) -> datetime:
        return key.created_at or self._end(key) - VALID


def _written(at: datetime) -> str:
    return kst(at).isoformat(timespec="seconds")
