"""Placeholder."""

from makenaide.ops.check import Check

EVENING: tuple[Check, ...] = ()
