"""What of the transport can be judged without a socket: addresses, targets and settings."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.errors import Misconfigured
from makenaide.exchange.http import NotConnected, Request
from makenaide.exchange.upbit.settings import UPBIT, TransportSettings, UpbitSettings
from makenaide.exchange.upbit.transport import UrllibTransport, target

GOOD = (
    UPBIT,
    "https://api.upbit.com/",
    "https://example.org:8443",
    "http://127.0.0.1:8080",
    "http://127.9.9.9:1",
    "http://localhost:1",
    "http://[::1]:8080",
    "HTTP://LOCALHOST:1",
)
BAD = (
    "http://api.upbit.com",
    "http://10.0.0.1:80",
    "http://localhost.example.org",
    "ftp://127.0.0.1",
    "api.upbit.com",
    "",
    "https://",
    "https://host:port",
    "https://host:99999999",
    "https://host/v1",
    "https://host?x=1",
    "https://me:secret@host",
    "http://[::1",
    "//127.0.0.1",
)


@pytest.mark.parametrize("address", GOOD)
def test_https_anywhere_and_http_on_this_machine_are_taken(address: str) -> None:
    UrllibTransport(address).close()


@pytest.mark.parametrize("address", BAD)
def test_any_other_address_is_refused_and_named(address: str) -> None:
    with pytest.raises(Misconfigured, match="exchange address"):
        UrllibTransport(address)


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
