"""A local Upbit: market data, venue core and HTTP face, driven by a clock that is handed in."""
