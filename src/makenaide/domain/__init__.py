"""Values and their laws: money, market and tick table, candle, order life, clock, reasons, errors. Pure."""
