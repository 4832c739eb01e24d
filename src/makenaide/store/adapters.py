"""How values travel: money as NUMERIC, times as timestamptz, evidence as jsonb with decimals as strings."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import msgspec
from psycopg.abc import AdaptContext, Buffer, PyFormat
from psycopg.adapt import Dumper
from psycopg.types.datetime import DatetimeBinaryDumper, DatetimeDumper
from psycopg.types.json import JsonbBinaryDumper, JsonbDumper, set_json_dumps, set_json_loads
from psycopg.types.numeric import NumericBinaryDumper, NumericDumper

from makenaide.domain.money import Krw, Price, Quantity

_MONEY = (Krw, Price, Quantity)


def to_json(value: object) -> bytes:
    """`value` as JSON: decimals and money as strings (never through a float), times in ISO 8601, NaN as null."""
    return _ENCODER.encode(_without_money(value))


def from_json(data: Buffer | str) -> Any:
    """What the JSON text says; numbers written as strings stay strings."""
    return msgspec.json.decode(data)


def register(context: AdaptContext) -> None:
    """Teach a connection the values of `domain`: plain dicts become jsonb, a naive datetime is refused."""
    adapters = context.adapters
    for money in _MONEY:
        adapters.register_dumper(money, _MoneyBinaryDumper)
        adapters.register_dumper(money, _MoneyDumper)
    for mapping in (dict, MappingProxyType):
        adapters.register_dumper(mapping, _DictBinaryDumper)
        adapters.register_dumper(mapping, _DictDumper)
    adapters.register_dumper(datetime, _AwareBinaryDumper)
    adapters.register_dumper(datetime, _AwareDumper)
    set_json_dumps(to_json, context)
    set_json_loads(from_json, context)


def _without_money(value: object) -> object:
    if isinstance(value, _MONEY):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _without_money(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_money(each) for each in value]
    return value


def _other_types(value: object) -> object:
    item = getattr(value, "item", None)  # scalars of array libraries
    if callable(item):
        return item()
    raise TypeError(f"no JSON form for {type(value).__name__}: {value!r}")


_ENCODER = msgspec.json.Encoder(enc_hook=_other_types, decimal_format="string")


class _MoneyDumper(NumericDumper):
    def dump(self, obj: Any) -> Buffer | None:
        return super().dump(_number(obj))


class _MoneyBinaryDumper(NumericBinaryDumper):
    def dump(self, obj: Any) -> Buffer | None:
        return super().dump(_number(obj))


def _number(obj: Any) -> Decimal | int:
    """COPY asks these dumpers for every value of a NUMERIC column, not for money only."""
    number: Decimal | int = obj.value if isinstance(obj, _MONEY) else obj
    return number


class _DictDumper(JsonbDumper):
    def dump(self, obj: Any) -> Buffer | None:
        return to_json(obj)


class _DictBinaryDumper(JsonbBinaryDumper):
    def dump(self, obj: Any) -> Buffer | None:
        return b"\x01" + to_json(obj)  # the version of jsonb's binary form


class _AwareDumper(DatetimeDumper):
    def upgrade(self, obj: datetime, format: PyFormat) -> Dumper:  # noqa: A002, ARG002 - the driver's names
        return self

    def dump(self, obj: datetime) -> Buffer | None:
        _require_zone(obj)
        return super().dump(obj)


class _AwareBinaryDumper(DatetimeBinaryDumper):
    def upgrade(self, obj: datetime, format: PyFormat) -> Dumper:  # noqa: A002, ARG002 - the driver's names
        return self

    def dump(self, obj: datetime) -> Buffer | None:
        _require_zone(obj)
        return super().dump(obj)


def _require_zone(moment: datetime) -> None:
    if moment.tzinfo is None:
        raise ValueError(f"a time needs a zone: {moment.isoformat()}")
