"""What is left of the room for rounding while one comparison is judged, currency by currency."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from makenaide.domain.money import Price
from makenaide.ledger.postings import Difference, Posting
from makenaide.ledger.rounding import Room, Rounded, round_off


@dataclass(slots=True)
class Allowance:
    """The rule of `ledger.rounding` over `room`; each rounding granted takes its part of the day's won away.

    `price` gives a coin's price, None where there never was one: then nothing of it is rounded away. It raises
    `Unavailable` where nobody could look: that is no finding.
    """

    room: Room
    price: Callable[[str], Price | None]
    at: datetime

    def postings(self, apart: Difference) -> tuple[Posting, ...] | None:
        """The lines that make the books tell what the account holds; None when that would be no rounding."""
        if apart.currency != "KRW" and not self.room.fills.get(apart.currency):
            return None  # no trade: nobody needs to be asked for a price
        priced = {*self.room.booked, apart.currency} - {"KRW"}
        prices = {each: price for each in priced if (price := self.price(each)) is not None}
        verdict = round_off([apart], self.room, prices, self.at)
        if not isinstance(verdict, Rounded):
            return None
        booked = dict(self.room.booked)
        booked[apart.currency] = booked.get(apart.currency, Decimal(0)) + abs(apart.balance - apart.books)
        self.room = replace(self.room, booked=booked)
        return verdict.postings
