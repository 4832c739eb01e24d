"""Candle panels in; features, stages, breakouts and signals with their reasons out. Pure."""
