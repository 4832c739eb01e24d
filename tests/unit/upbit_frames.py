"""Frames as the venue spells them (upbit-api.md, section 9), and the values of one frame of each type."""

import json
from typing import Any

from makenaide.exchange.upbit.stream.rows import SHORT

TICKER = (
    '{"type":"ticker","code":"KRW-BTC","opening_price":1.16E8,"high_price":1.16999E8,"low_price":1.15E8,'
    '"trade_price":1.16539E8,"prev_closing_price":1.16E8,"acc_trade_price_24h":155463546231.39948,'
    '"trade_timestamp":1751606040327,"market_state":"ACTIVE","delisting_date":{"year":2026,"month":2,"day":3},'
    '"market_warning":"CAUTION","timestamp":1751606040373,"stream_type":"SNAPSHOT"}'
)
TRADE = (
    '{"type":"trade","code":"KRW-ETH","timestamp":1751606040400,"trade_date":"2025-07-04","trade_time":"05:14:00",'
    '"trade_timestamp":1751606040327,"trade_price":3510000.0,"trade_volume":7.9276E-4,"ask_bid":"ASK",'
    '"sequential_id":17516060403270000,"best_ask_price":3511000,"stream_type":"REALTIME"}'
)
BOOK = (
    '{"type":"orderbook","code":"KRW-BTC","timestamp":1751606040373,"total_ask_size":1.5,"total_bid_size":0.75,'
    '"orderbook_units":['
    '{"ask_price":1.1654E8,"bid_price":1.16539E8,"ask_size":0.10000000,"bid_size":0.25},'
    '{"ask_price":1.16541E8,"bid_price":1.16538E8,"ask_size":1.4,"bid_size":0.5},'
    '{"ask_price":0,"bid_price":1.16537E8,"ask_size":0,"bid_size":0.00012}],'
    '"stream_type":"REALTIME","level":0}'
)
CANDLE = (
    '{"type":"candle.1s","code":"KRW-BTC","candle_date_time_utc":"2025-07-04T05:14:00",'
    '"candle_date_time_kst":"2025-07-04T14:14:00","opening_price":1.16E8,"high_price":1.17E8,"low_price":1.15E8,'
    '"trade_price":1.16539E8,"candle_acc_trade_volume":0.12,"candle_acc_trade_price":13984680.0,'
    '"timestamp":1751606040373,"stream_type":"REALTIME"}'
)
MY_ORDER = (
    '{"type":"myOrder","code":"KRW-BTC","uuid":"u-1","ask_bid":"BID","order_type":"limit","state":"trade",'
    '"trade_uuid":"t-1","price":1.16539E8,"avg_price":1.16539E8,"volume":0.001,"remaining_volume":0.002,'
    '"executed_volume":0.001,"trades_count":1,"reserved_fee":174.8085,"remaining_fee":116.539,"paid_fee":58.2695,'
    '"locked":233194.539,"executed_funds":116539.0,"time_in_force":"ioc","trade_fee":58.2695,"is_maker":false,'
    '"identifier":"mk1-7f3a-KRW-BTC-20260105T0900-e01","smp_type":"cancel_maker","prevented_volume":0,'
    '"prevented_locked":0,"trade_timestamp":1751606040327,"order_timestamp":1751606040000,'
    '"timestamp":1751606040373,"stream_type":"REALTIME"}'
)
MY_ASSET = (
    '{"type":"myAsset","asset_uuid":"a-1","assets":[{"currency":"KRW","balance":1386929.37,"locked":10329.67},'
    '{"currency":"BTC","balance":1.0E-8,"locked":0}],"asset_timestamp":1751606040327,"timestamp":1751606040373,'
    '"stream_type":"REALTIME"}'
)
ANNOUNCEMENT = (
    '{"type":"announcement","event_type":"CREATED","uuid":"n-1","title":"거래지원 종료 안내","category":"trade",'
    '"url":"https://upbit.com/service_center/notice?id=1","first_listed_at":"2026-08-31T10:00:00+09:00",'
    '"listed_at":"2026-08-31T10:00:00","body":null,"timestamp":1751606040373,"stream_type":"REALTIME"}'
)
ALL = {
    "ticker": TICKER,
    "trade": TRADE,
    "orderbook": BOOK,
    "candle.1s": CANDLE,
    "myOrder": MY_ORDER,
    "myAsset": MY_ASSET,
    "announcement": ANNOUNCEMENT,
}


class Digits(float):
    """A number that is written exactly as it was read."""

    text = ""

    def __repr__(self) -> str:
        return self.text


def _digits(text: str) -> Digits:
    number = Digits(text)
    number.text = text
    return number


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {SHORT.get(name, name): _renamed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner) for inner in value]
    return value


def short(frame: str) -> str:
    """`frame` with short names."""
    return _spelled(_renamed(json.loads(frame, parse_float=_digits)))


def _spelled(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_spelled(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_spelled(inner) for inner in value) + "]"
    return value.text if isinstance(value, Digits) else json.dumps(value, ensure_ascii=False)


def book(code: str, bid: int, ask: int | None = None, at: int = 1751606040373) -> bytes:
    """A book of one level; a `bid` of 0 means that nobody bids."""
    unit = {"ask_price": ask or bid + 1000, "bid_price": bid, "ask_size": 1.0, "bid_size": 1.0 if bid else 0}
    frame = {"type": "orderbook", "code": code, "timestamp": at, "orderbook_units": [unit], "level": 0}
    return json.dumps(frame | {"stream_type": "REALTIME"}).encode()
