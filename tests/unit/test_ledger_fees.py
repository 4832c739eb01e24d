"""Sharing an order's fee over its trades."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.errors import Inconsistent
from makenaide.domain.money import ZERO_KRW, Krw
from makenaide.ledger.fees import FEE_STEP, share_fees


@pytest.mark.parametrize(
    ("funds", "fee", "shares"),
    [
        (["7394.19175"], "3.697095875", ["3.697095875"]),  # the official market sell: full precision
        (["1000", "1000"], "1", ["0.5", "0.5"]),
        (["1000", "1000", "1000"], "1", ["0.33333333", "0.33333333", "0.33333334"]),
        (["2000", "1000"], "1.00000001", ["0.66666667", "0.33333334"]),
        (["3000", "1000"], "0", ["0", "0"]),
        ([], "0", []),
    ],
)
def test_a_fee_is_shared_by_funds_and_the_last_takes_the_rest(
    funds: list[str], fee: str, shares: list[str]
) -> None:
    assert share_fees([Krw(each) for each in funds], Krw(fee)) == tuple(Krw(each) for each in shares)


@pytest.mark.parametrize(
    ("funds", "fee", "message"),
    [
        ([], "0.00000001", "without a trade"),
        (["1000"], "-0.00000001", "shrank"),
        (["0", "0"], "1", "cannot carry"),
    ],
)
def test_a_fee_that_cannot_be_is_told(funds: list[str], fee: str, message: str) -> None:
    with pytest.raises(Inconsistent, match=message):
        share_fees([Krw(each) for each in funds], Krw(fee))


FUNDS = st.decimals("0.00000001", "1000000000", places=12).filter(bool).map(Krw)
FEES = st.decimals("0", "500000", places=12).map(Krw)


@given(st.lists(FUNDS, min_size=1, max_size=30), FEES)
def test_shares_add_up_exactly_and_none_is_negative(funds: list[Krw], fee: Krw) -> None:
    shares = share_fees(funds, fee)
    assert sum(shares, ZERO_KRW) == fee
    assert all(share.value >= 0 for share in shares)
    total = sum((part.value for part in funds), Decimal(0))
    for part, share in zip(funds[:-1], shares[:-1], strict=True):
        ideal = fee.value * part.value / total
        assert abs(share.value - ideal) <= FEE_STEP
