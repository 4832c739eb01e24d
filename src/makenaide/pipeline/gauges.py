"""How the account stands at the end of a cycle, as measures: by the ledger's own definitions (D3a-c, D4b)."""

from collections.abc import Sequence

from makenaide.ledger.performance import EquityPoint, exposure, standing
from makenaide.monitoring.measures import Name
from makenaide.pipeline.session import Session
from makenaide.pipeline.valuation import Valuation
from makenaide.store.measures import database_bytes, fills_within
from makenaide.store.runs import EquityRow


def tell_standing(session: Session, rows: Sequence[EquityRow], valuation: Valuation) -> None:
    """Into the session's measures: how the account stands with `rows`, the last of which is of `valuation`."""
    measures, newest = session.measures, rows[-1].valued_at
    points = [EquityPoint(at=row.slot, equity=row.equity, flow=row.flow) for row in rows]
    earned, fall = standing(points)
    invested = exposure(valuation.invested, valuation.equity)
    account_id = session.account.account_id
    before = rows[-2].valued_at if len(rows) > 1 else None
    measures.gauge(Name.TRADES, fills_within(session.db, account_id, before, newest))
    measures.gauge(Name.RETURN, float(earned))
    measures.gauge(Name.DRAWDOWN, float(fall))
    if invested is not None:
        measures.gauge(Name.EXPOSURE, float(invested))
    measures.gauge(Name.DATABASE, database_bytes(session.db))
