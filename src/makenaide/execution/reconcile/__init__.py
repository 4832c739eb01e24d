"""Reconcile the books with the venue, both ways; three verdicts: same, explained, unknown."""

from makenaide.execution.reconcile.rounds import Comparison, Reconciliation, reconcile

__all__ = ["Comparison", "Reconciliation", "reconcile"]
