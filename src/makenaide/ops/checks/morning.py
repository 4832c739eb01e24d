"""Placeholder."""

from makenaide.ops.check import Check

MORNING: tuple[Check, ...] = ()
