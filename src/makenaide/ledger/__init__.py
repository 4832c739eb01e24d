"""Fills in; double-entry postings, holdings, closed trades and performance out. Pure, exact, in Decimal."""
