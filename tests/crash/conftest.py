"""The database of the contract tests, for runs that are killed in the middle."""

from tests.contract.conftest import connect, journal, postgres, schema

__all__ = ["connect", "journal", "postgres", "schema"]
