"""Signal and portfolio in; an intent or a refusal out: gate, limits, size, entry price, stops and exits. Pure."""
