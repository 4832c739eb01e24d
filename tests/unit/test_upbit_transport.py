"""What of the transport can be judged without a socket: targets and settings."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.errors import Misconfigured
from makenaide.exchange.http import NotConnected, Request
from makenaide.exchange.upbit.settings import TransportSettings, UpbitSettings
from makenaide.exchange.upbit.transport import UrllibTransport, target

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(pairs=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=5))
def test_a_target_decodes_to_what_was_signed(pairs: list[tuple[str, str]]) -> None:
    path, mark, query = target("/v1/orders", tuple(pairs)).partition("?")
    assert (path, mark) == ("/v1/orders", "?")
    assert query.isascii()
    assert parse_qsl(query, keep_blank_values=True) == pairs


def test_brackets_of_array_names_stay_and_everything_else_is_encoded() -> None:
    pairs = (("states[]", "wait"), ("to", "2025-06-24T13:56:53+09:00"), ("markets", "KRW-BTC,KRW-ETH"))
    wanted = "/x?states[]=wait&to=2025-06-24T13%3A56%3A53%2B09%3A00&markets=KRW-BTC%2CKRW-ETH"
    assert target("/x", pairs) == wanted
    assert target("/x", ()) == "/x"


@pytest.mark.parametrize("bad", [{"connect": 0}, {"read": 1000}, {"total": -1}, {"pool": 0}, {"body_limit": 1}])
def test_settings_out_of_range_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(Misconfigured, match=next(iter(bad))):
        TransportSettings(**bad)


@pytest.mark.sockets
def test_a_name_that_nobody_has_never_connects() -> None:
    transport = UrllibTransport("https://nobody.invalid")
    with pytest.raises(NotConnected):
        transport.send(Request(method="GET", path="/"))
    transport.close()


def test_unset_the_venue_is_the_real_one_at_the_shares_of_the_trading_process() -> None:
    settings = UpbitSettings()
    assert settings.base_url == "https://api.upbit.com"
    assert settings.limiter.order == 7
    assert settings.transport.total > settings.transport.read > settings.transport.connect
