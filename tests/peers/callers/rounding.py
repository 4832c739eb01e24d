"""How ccxt and pyupbit round a won price: prices in on standard input, one JSON line out for each of the two.

{"peer": name, "version": text, "prices": [text, ...]}: the texts that would be sent.
"""

import json
import sys
from importlib.metadata import version

import ccxt
from pyupbit.exchange_api import get_tick_size


def main(prices: list[float]) -> None:
    """Print both lists."""
    upbit = ccxt.upbit()
    upbit.set_markets([upbit.parse_market({"market": "KRW-BTC", "korean_name": "x", "english_name": "Bitcoin"})])
    rounded = {
        "ccxt": [upbit.price_to_precision("BTC/KRW", price) for price in prices],
        "pyupbit": [repr(get_tick_size(price)) for price in prices],
    }
    for peer, texts in rounded.items():
        sys.stdout.write(json.dumps({"peer": peer, "version": version(peer), "prices": texts}) + "\n")


if __name__ == "__main__":
    main([float(line) for line in sys.stdin])
