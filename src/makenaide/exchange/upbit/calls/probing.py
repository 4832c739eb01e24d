"""Questions about the key itself, asked before real money is touched; only a clear answer counts."""

from collections.abc import Iterator
from typing import Any

import msgspec

from makenaide.domain.errors import Unavailable
from makenaide.exchange.upbit.errors import VenueRefused
from makenaide.exchange.upbit.line import Call, Line
from makenaide.exchange.upbit.outcomes import (
    AddressRight,
    Allowed,
    HasRight,
    KeyRight,
    ListedRights,
    NoRight,
    NotAllowed,
    Unclear,
    WithdrawalRight,
)

_ELSEWHERE = frozenset({"not_found", "pocket_not_found"})
"""A path that is not served, or a pocket that is not there: they say nothing of the key's rights."""


class ProbingCalls:
    """What the key may do, seen from outside."""

    __slots__ = ()
    _line: Line

    def withdrawal_right(self) -> WithdrawalRight:
        """Whether the key could take money out, by cancelling a withdrawal that does not exist.

        Nothing can come of it: the id is fresh. A key without the right is told `out_of_scope` before anything is
        looked up (upbit-api.md, sections 6 and 13); one with the right learns that there is no such withdrawal, or
        that withdrawals are locked.
        """
        query = (("uuid", self._line.ids()),)
        call = Call(method="DELETE", path="/v1/withdraws/coin", query=query, private=True)
        try:
            self._line.single(call)
        except VenueRefused as refused:
            if refused.name == "out_of_scope" and refused.status in (401, 403):
                return NoRight()
            absent = (
                refused.status == 404 and refused.name.endswith("_not_found") and refused.name not in _ELSEWHERE
            )
            if absent or refused.name == "open_api_withdraw_locked":
                return HasRight()
            return Unclear(str(refused))
        except Unavailable as cause:
            return Unclear(str(cause))
        # It went through: worse than expected, but no doubt about the right.
        return HasRight()

    def address_allowed(self) -> AddressRight:
        """Whether the venue answers the key from this address, by asking for the list of keys."""
        call = Call(method="GET", path="/v1/api_keys", private=True)
        try:
            self._line.read(call)
        except VenueRefused as refused:
            if refused.name in ("no_authorization_ip", "no_authorization_i_p"):
                return NotAllowed()
            return Unclear(str(refused))
        except Unavailable as cause:
            return Unclear(str(cause))
        return Allowed()

    def listed_rights(self) -> KeyRight:
        """What the venue lists as the key's rights, by asking for the pockets' keys (upbit-api.md, section 4.8).

        Nothing can come of it: it reads. A key that does not manage pockets is told `out_of_scope`, and what else it
        may do stays unknown.
        """
        call = Call(method="GET", path="/v1/pockets/api_keys", private=True)
        try:
            body = self._line.read(call).body
        except VenueRefused as refused:
            if refused.name == "out_of_scope" and refused.status in (401, 403):
                return NoRight()
            return Unclear(str(refused))
        except Unavailable as cause:
            return Unclear(str(cause))
        own = "" if self._line.keys is None else self._line.keys.access
        try:
            listed = {str(row["access_key"]): row["permissions"] for row in _rows(msgspec.json.decode(body))}
            return ListedRights(frozenset(str(each) for each in listed[own]))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError, TypeError, AttributeError):
            return Unclear(f"{call.name}: the key is not in the reply")


def _rows(reply: Any) -> Iterator[Any]:
    """The rows of keys, which may stand below each pocket."""
    for each in reply:
        yield from each.get("keys", [each])
