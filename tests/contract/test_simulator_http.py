"""The simulator over a real loopback socket: the same answers as in process, and a clean end."""

import http.client
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.exchange.simulator.rest.asgi import LARGEST_BODY, pairs
from makenaide.exchange.simulator.server import Server
from tests.contract.serving import running
from tests.unit.simulator_street import faced, flat, limit, opened, token

pytestmark = pytest.mark.sockets
NONCES = count()
REPOSITORY = Path(__file__).resolve().parents[2]


@contextmanager
def served() -> Iterator[http.client.HTTPConnection]:
    with (
        running(Server(faced(opened(flat())))) as port,
        closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection,
    ):
        yield connection


def call(
    connection: http.client.HTTPConnection, method: str, target: str, text: str = "", body: bytes | None = None
) -> tuple[int, bytes, dict[str, str]]:
    headers = {"Authorization": token("paper", text, str(next(NONCES))), "Content-Type": "application/json"}
    connection.request(method, target, body, headers)
    reply = connection.getresponse()
    return reply.status, reply.read(), {name.lower(): value for name, value in reply.getheaders()}


def test_orders_go_round_over_a_socket() -> None:
    with served() as connection:
        status, body, headers = call(connection, "GET", "/v1/market/all")
        assert (status, headers["remaining-req"]) == (200, "group=market; min=600; sec=9")
        assert headers["date"] == "Mon, 05 Jan 2026 00:00:00 GMT"
        assert headers["content-length"] == str(len(body))
        assert "server" not in headers
        order = b'{"market":"KRW-BTC","side":"bid","ord_type":"price","price":"6000","identifier":"one"}'
        text = "market=KRW-BTC&side=bid&ord_type=price&price=6000&identifier=one"
        status, body, _ = call(connection, "POST", "/v1/orders", text, order)
        assert (status, b'"state":"wait"' in body) == (201, True)
        status, body, _ = call(connection, "GET", "/v1/order?identifier=one", "identifier=one")
        assert (status, b'"state":"done"' in body) == (200, True)


@pytest.mark.parametrize("target", ["states[]=wait&states[]=watch", "states%5B%5D=wait&states%5B%5D=watch"])
def test_array_names_may_be_encoded_or_not(target: str) -> None:
    with served() as connection:
        status, body, _ = call(connection, "GET", f"/v1/orders/open?{target}", "states[]=wait&states[]=watch")
        assert (status, body) == (200, b"[]")


def test_a_body_that_is_too_large_is_not_read() -> None:
    with served() as connection:
        assert call(connection, "POST", "/v1/orders", "", b"x" * (LARGEST_BODY + 1))[0] == 413


def test_a_query_is_decoded_in_the_order_sent() -> None:
    assert pairs("b=2&a=x%20y&to=2026-01-05+09%3A00&e=&&flag") == (
        ("b", "2"),
        ("a", "x y"),
        ("to", "2026-01-05 09:00"),
        ("e", ""),
        ("flag", ""),
    )


def test_only_loopback_is_served_unless_told() -> None:
    face = faced(opened(flat()))
    for host in ("0.0.0.0", "192.0.2.1", "example.org"):
        with pytest.raises(Misconfigured, match="not loopback"):
            Server(face, host)
    first = Server(face, "localhost")
    with pytest.raises(Misconfigured, match="cannot be listened on"):
        Server(face, port=first.port)
    first.stop()
    first.run(lambda _port: None)


SCRIPT = """
    import sys
    from makenaide.exchange.simulator.server import Server
    from tests.unit.simulator_street import faced, flat, opened
    Server(faced(opened(flat()))).run(lambda port: print(port, flush=True), watch_parent="watched" in sys.argv)
    print("ended", flush=True)
"""


@contextmanager
def child(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), *arguments],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_cleanly(number: signal.Signals) -> None:
    with child() as process:
        assert process.stdout is not None
        connection = http.client.HTTPConnection("127.0.0.1", int(process.stdout.readline()), timeout=10)
        assert call(connection, "GET", "/v1/market/all")[0] == 200
        connection.close()
        process.send_signal(number)
        output, errors = process.communicate(timeout=15)
    assert (process.returncode, output, errors) == (0, "ended\n", "")


def test_the_end_of_the_parent_ends_the_server() -> None:
    with child("watched") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert int(process.stdout.readline()) > 0
        began = time.monotonic()
        process.stdin.close()
        process.wait(timeout=15)
    assert process.returncode == 0
    assert time.monotonic() - began < 15


def test_refusals_travel_as_they_are() -> None:
    with served() as connection:
        body = b'{"market":"KRW-BTC","side":"bid","ord_type":"limit","price":"90000001","volume":"0.01"}'
        text = "&".join(f"{name}={value}" for name, value in limit("bid", "90000001", "0.01").items())
        status, reply, _ = call(connection, "POST", "/v1/orders", text, body)
        assert (status, b"invalid_price_bid" in reply) == (400, True)
        connection.request("GET", "/v1/unheard")
        missing = connection.getresponse()
        assert (missing.status, b"no Route matched" in missing.read()) == (404, True)


def test_a_connection_is_kept_while_its_client_thinks() -> None:
    with served() as connection:
        call(connection, "GET", "/v1/market/all")
        kept = connection.sock
        time.sleep(5.5)
        assert call(connection, "GET", "/v1/market/all")[0] == 200
        assert connection.sock is kept
