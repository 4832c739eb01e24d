"""One law of addresses: what the requests may be sent to, the stream may be opened at, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.errors import Misconfigured
from makenaide.exchange.upbit.address import address
from makenaide.exchange.upbit.settings import UPBIT
from makenaide.exchange.upbit.stream.connection import WebSocketOpener
from makenaide.exchange.upbit.transport import UrllibTransport

GOOD = {
    UPBIT: (True, "api.upbit.com:443"),
    "https://api.upbit.com/": (True, "api.upbit.com:443"),
    "https://example.org:8443": (True, "example.org:8443"),
    "https://10.0.0.1": (True, "10.0.0.1:443"),
    "https://xn--3e0b707e.kr": (True, "xn--3e0b707e.kr:443"),
    "http://127.0.0.1:8080/": (False, "127.0.0.1:8080"),
    "http://127.9.9.9:1": (False, "127.9.9.9:1"),
    "http://localhost": (False, "localhost:80"),
    "http://[::1]:8080": (False, "[::1]:8080"),
    "HTTP://LOCALHOST:1": (False, "localhost:1"),
}
BAD = (
    "",
    "api.upbit.com",
    "//127.0.0.1",
    "ftp://127.0.0.1",
    "ws://127.0.0.1",
    "http://api.upbit.com",
    "http://10.0.0.1:80",
    "http://0177.0.0.1",
    "http://localhost.example.org",
    "http://[fe80::1%lo]",
    "http://[::1",
    "https://",
    "https://[]",
    "https://[127.0.0.1]",
    "http://[127.0.0.1]:80",
    "https://[:::]",
    "https://host:",
    "https://host:0",
    "https://host:port",
    "https://host:99999",
    "https://host:١",
    "https://host/v1",
    "https://host?",
    "https://host?x=1",
    "https://host#",
    "https://@host",
    "https://me:secret@host",
    "https://host ",
    " https://host",
    "https://host\n",
    "https://a b",
    "https://ho\tst",
    "https://ho\x00st",
    "https://host\\x",
    "https://-host",
    "https://a..b",
    "https://한국.kr",
    "https://\u212aost",
    "https://" + "a" * 64 + ".com",
    "https://" + "a." * 127 + "a",
)


@pytest.mark.parametrize("base_url", GOOD)
def test_https_anywhere_and_http_on_this_machine_are_taken(base_url: str) -> None:
    place = address(base_url)
    assert (place.secure, place.spelled) == GOOD[base_url]
    UrllibTransport(base_url).close()
    WebSocketOpener(base_url)


@pytest.mark.parametrize("base_url", BAD)
def test_any_other_address_is_refused_and_named_by_requests_and_stream_alike(base_url: str) -> None:
    for open_at in (address, UrllibTransport, WebSocketOpener):
        with pytest.raises(Misconfigured, match="exchange address"):
            open_at(base_url)


@given(st.text(max_size=40).map(lambda text: "https://" + text) | st.text(max_size=40))
def test_any_text_is_an_address_of_plain_letters_or_refused(text: str) -> None:
    try:
        place = address(text)
    except Misconfigured:
        return
    assert place.host.isascii()
    assert place.host.isprintable()
    assert 0 < place.port < 65536
