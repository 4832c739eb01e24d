"""The laws about the books: what is posted, what the account holds, and what others did to it."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from makenaide.app.rehearsal.case import Case, identifier_of
from makenaide.domain.market import Market, base_of
from makenaide.domain.order import Identifier, Side
from makenaide.ledger.fill import Fill
from makenaide.ledger.postings import difference
from makenaide.store.journal import books
from makenaide.store.orders import get_order
from makenaide.store.reconciliation import outside_known

_MANUAL = "manual-"
_ADOPTED = "adopt:"
_ZERO = Decimal(0)


def trade_posted_once(case: Case) -> Iterator[str]:
    """Each trade of ours at the venue is posted exactly once, with its amounts; nothing else is posted.

    A sale that takes dust along is split between positions: the parts of one trade add up to it. A person's sale is
    posted as far as it took coins of ours, and a lot that was taken over has an entry that is no trade.
    """
    doubtful = {order.identifier for order in case.unsettled}
    posted: defaultdict[str, list[Fill]] = defaultdict(list)
    for each in case.fills:
        if not each.fill.trade_uuid.startswith(_ADOPTED):
            posted[each.fill.trade_uuid.partition("#")[0]].append(each.fill)
    for order in case.at_venue:
        name = identifier_of(order)
        mine = [(trade, posted.pop(trade.uuid, [])) for trade in order.trades]
        for trade, parts in mine:
            if not parts and name not in doubtful:
                yield f"trade {trade.uuid} of {name} is not posted"
            if parts and _volume(parts) != trade.volume:
                yield f"trade {trade.uuid} of {name}: {trade.volume} traded, posted as {[*map(str, parts)]}"
        fees = sum(part.fee.value for _, parts in mine for part in parts)
        if mine and all(parts for _, parts in mine) and fees != order.paid_fee:
            yield f"{name}: fees of {fees} posted, {order.paid_fee} paid"
    yield from _of_others(case, posted)


def _of_others(case: Case, posted: dict[str, list[Fill]]) -> Iterator[str]:
    others = {trade.uuid: trade for order in case.exchange.others() for trade in order.trades}
    for uuid, parts in posted.items():
        trade = others.get(uuid)
        if trade is None or not parts[0].identifier.startswith(_MANUAL):
            yield f"trade {uuid} of {parts[0].identifier} is posted and is none of the venue's"
        elif _volume(parts) > trade.volume:
            yield f"trade {uuid} of a person: {trade.volume} traded, {_volume(parts)} posted as ours"


def _volume(parts: Sequence[Fill]) -> Decimal:
    return sum((part.volume.value for part in parts), _ZERO)


def books_equal(case: Case) -> Iterator[str]:
    """The books hold what the account holds, to the tolerance of the ledger; looked at when nothing is in doubt.

    What others did and nobody has booked is not in the books: because nobody has looked since, or because it is
    unknown. `others_are_dealt_with` and `unexplained_is_found` say how long that may be so.
    """
    if case.unsettled:
        return
    balances = case.exchange.balances()
    for change in case.exchange.changes:
        if not (change.sources and _dealt(case, change.sources)):
            for currency, amount in change.amounts.items():
                balances[currency] = balances.get(currency, _ZERO) - amount
    for each in difference(books(case.db, case.account_id), balances):
        yield str(each)


def others_are_dealt_with(case: Case) -> Iterator[str]:
    """Each trade and transfer of a person that was looked through is dealt with, or is a finding."""
    found = {each.subject for each in case.findings}
    for change in case.exchange.changes:
        if case.seen(change) and not _dealt(case, set(change.sources) - found):
            yield f"{change.name} {change.sources} is neither dealt with nor a finding"


def _dealt(case: Case, sources: Collection[str]) -> bool:
    return outside_known(case.db, case.account_id, list(sources)) == set(sources)


def unexplained_is_found(case: Case) -> Iterator[str]:
    """Coins that came without order and transfer are a finding as soon as somebody has looked."""
    found = {each.currency for each in case.findings}
    for change in case.exchange.changes:
        if not change.sources and case.seen(change):
            for currency in sorted(set(change.amounts) - found):
                yield f"{currency} changed by {change.amounts[currency]} at {change.at.isoformat()}: no finding"


def findings_have_cause(case: Case) -> Iterator[str]:
    """Nothing is called unknown in a coin that nobody moved without a word; such coins may touch the won, too."""
    moved = {code for change in case.exchange.changes if not change.sources for code in change.amounts}
    for each in case.findings:
        if each.currency not in moved and not (moved and each.currency == "KRW"):
            yield f"finding {each.kind} about {each.subject} without a cause: {dict(each.evidence)}"


def sells_within_lot(case: Case) -> Iterator[str]:
    """No sale of ours exceeds what the books gave us of its market when it was committed.

    Ours is what we bought or took over, less what we sold, less what a person sold of it as far as that was booked. A
    sale may take the dust of earlier positions along.
    """
    moves: list[tuple[datetime, bool, Decimal, Market, Identifier]] = []
    for order in case.at_venue:
        name = identifier_of(order)
        stored = case.stored.get(name)
        committed = order.created_at if stored is None else stored.created_at
        if order.side is Side.BID:
            moves += [(trade.at, False, trade.volume, order.market, name) for trade in order.trades]
        elif order.executed:
            moves.append((committed, True, -order.executed, order.market, name))
    for each in case.fills:
        fill = each.fill
        if fill.identifier.startswith(_MANUAL):
            sign = 1 if fill.side is Side.BID else -1
            at = _booked(case, fill.identifier, fill.at)
            moves.append((at, sign < 0, sign * fill.volume.value, fill.market, fill.identifier))
    left: defaultdict[Market, Decimal] = defaultdict(Decimal)
    for at, _, change, market, name in sorted(moves):
        left[market] += change
        if left[market] < 0:
            yield f"{name} sold {-left[market]} {base_of(market)} more than was ours at {at.isoformat()}"


def _booked(case: Case, identifier: Identifier, otherwise: datetime) -> datetime:
    order = get_order(case.db, identifier)
    return otherwise if order is None else order.created_at
