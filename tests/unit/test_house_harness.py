"""The harness keeps its word: nothing real is within reach of a test."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import NetworkForbidden, clean_environment, folder_of, is_loopback, stripped


@pytest.mark.parametrize(
    "name",
    [
        "MAKENAIDE_HOME",
        "DATABASE_URL",
        "AWS_PROFILE",
        "AWS_SECRET_ACCESS_KEY",
        "https_proxy",
        "NO_PROXY",
        "PGHOST",
    ],
)
def test_a_name_that_leads_outside_is_stripped(name: str) -> None:
    assert stripped([name, "PATH"]) == [name]


def test_a_test_has_a_home_and_a_data_folder_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.getbasetemp()
    assert base in Path(os.environ["HOME"]).parents
    assert base in Path(os.environ["MAKENAIDE_HOME"]).parents
    assert not Path(os.environ["MAKENAIDE_HOME"]).exists()


def test_a_child_sees_the_clean_environment_only() -> None:
    show = "import os, sys; sys.stdout.write('\\n'.join(os.environ))"
    child = subprocess.run([sys.executable, "-c", show], check=True, capture_output=True, text=True)
    names = child.stdout.split("\n")
    assert set(stripped(names)) <= set(clean_environment("", ""))
    assert {"HOME", "MAKENAIDE_HOME"} <= set(names)


@pytest.mark.parametrize("address", [("127.0.0.1", 1), ("api.upbit.com", 443), "/tmp/some.socket"])  # noqa: S108
def test_a_unit_test_can_open_no_socket(address: tuple[str, int] | str) -> None:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as one:
        for act in (one.connect, one.connect_ex, one.bind):
            with pytest.raises(NetworkForbidden):
                act(address)


@pytest.mark.sockets
def test_a_marked_test_reaches_loopback_and_no_further() -> None:
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())
        assert client.getpeername() == server.getsockname()
    with socket.socket() as one:
        with pytest.raises(NetworkForbidden, match="not loopback"):
            one.connect(("192.0.2.1", 443))
        with pytest.raises(NetworkForbidden, match="not loopback"):
            one.connect_ex(("192.0.2.1", 443))
        with pytest.raises(NetworkForbidden, match="not loopback"):
            one.bind(("0.0.0.0", 0))
    with pytest.raises(NetworkForbidden, match="look up"):
        socket.getaddrinfo("api.upbit.com", 443)


@pytest.mark.sockets
def test_a_name_that_cannot_exist_fails_as_such_without_asking() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("nowhere.invalid", 443)
    assert socket.getaddrinfo("127.0.0.1", 80)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("", False),
        ("192.0.2.1", False),
        ("api.upbit.com", False),
        ("169.254.169.254", False),
    ],
)
def test_loopback_is_this_machine_and_nothing_else(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("nodeid", "folder"),
    [("tests/unit/test_a.py::test_b[x/y]", "unit"), ("tests/test_a.py::test_b", "tests"), ("x.py", "tests")],
)
def test_a_test_belongs_to_its_folder(nodeid: str, folder: str) -> None:
    assert folder_of(nodeid) == folder
