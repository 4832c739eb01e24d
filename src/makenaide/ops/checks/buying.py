"""Placeholder."""

from makenaide.ops.check import Check

READINESS: tuple[Check, ...] = ()
