"""The example bodies of upbit-api.md, which are those of the venue's documents."""

import json
from decimal import Decimal
from typing import Any

DAY, TRADE, TICKER = "2.2 day candle", "2.3 trade", "2.4 ticker"
INSTRUMENT, CHANCE, ORDER = "2.6 instrument", "4.2 chance", "4.3 limit sell accepted"

_BODIES = {
    DAY: """{"market":"KRW-BTC","candle_date_time_utc":"2025-06-30T00:00:00",
"candle_date_time_kst":"2025-06-30T09:00:00","opening_price":147996000,"high_price":148480000,
"low_price":145740000,"trade_price":145759000,"timestamp":1751327999833,
"candle_acc_trade_price":138812096716.42776,"candle_acc_trade_volume":944.35761221,
"prev_closing_price":147996000,"change_price":-2237000,"change_rate":-0.0151152734}""",
    TRADE: """{"market":"KRW-BTC","trade_date_utc":"2025-06-27","trade_time_utc":"23:59:59",
"timestamp":1751068799336,"trade_price":147058000,"trade_volume":0.00006043,"prev_closing_price":146852000,
"change_price":206000,"ask_bid":"BID","sequential_id":17510687993360000}""",
    TICKER: """{"market":"KRW-ETH","trade_date":"20250704","trade_time":"051400","trade_date_kst":"20250704",
"trade_time_kst":"141400","trade_timestamp":1751606040327,"opening_price":3518000,"high_price":3542000,
"low_price":3495000,"trade_price":3510000,"prev_closing_price":3517000,"change":"FALL","change_price":7000,
"change_rate":0.0019903327,"signed_change_price":-7000,"signed_change_rate":-0.0019903327,
"trade_volume":0.00712453,"acc_trade_price":20633572185.68442,"acc_trade_price_24h":111690309851.79362,
"acc_trade_volume":5871.4585559,"acc_trade_volume_24h":31689.60167858,"highest_52_week_price":5900000,
"highest_52_week_date":"2024-12-16","lowest_52_week_price":2096000,"lowest_52_week_date":"2025-04-09",
"timestamp":1751606040373}""",
    INSTRUMENT: """{"market":"KRW-BTC","quote_currency":"KRW","tick_size":"1000",
"supported_levels":["0","10000","100000","1000000","10000000","100000000"]}""",
    CHANCE: """{"bid_fee":"0.0005","ask_fee":"0.0005","maker_bid_fee":"0.0005","maker_ask_fee":"0.0005",
"market":{"id":"KRW-BTC","name":"BTC/KRW","order_types":["limit"],"order_sides":["ask","bid"],
"bid_types":["best_fok","best_ioc","limit","limit_fok","limit_ioc","price"],
"ask_types":["best_fok","best_ioc","limit","limit_fok","limit_ioc","market"],
"bid":{"currency":"KRW","min_total":"5000"},"ask":{"currency":"BTC","min_total":"5000"},
"max_total":"1000000000","state":"active"},
"bid_account":{"currency":"KRW","balance":"1000000.0","locked":"0.0","avg_buy_price":"0",
"avg_buy_price_modified":false,"unit_currency":"KRW"},
"ask_account":{"currency":"BTC","balance":"10.0","locked":"0.0","avg_buy_price":"100000000",
"avg_buy_price_modified":false,"unit_currency":"KRW"}}""",
    ORDER: """{"market":"KRW-BTC","uuid":"cdd92199-0000-0000-0000-000000000000","side":"ask","ord_type":"limit",
"price":"140000000","state":"wait","created_at":"2025-07-04T15:00:00+09:00","volume":"1.0",
"remaining_volume":"1.0","reserved_fee":"70000.0","remaining_fee":"70000.0","paid_fee":"0.0","locked":"0.0",
"executed_volume":"0.0","prevented_volume":"0","prevented_locked":"0","trades_count":0}""",
}

EXAMPLES: dict[str, Any] = {name: json.loads(body, parse_float=Decimal) for name, body in _BODIES.items()}
"""Decoded, to the digit, with their keys in order. The copy shows only the beginning of the order's uuid."""
