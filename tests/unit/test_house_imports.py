"""The import contracts hold, and each of them bites: a seeded violation breaks the contract that it should."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.source_tree import REPOSITORY

CONTRACTS = REPOSITORY / ".importlinter"
ROOMS = (
    "cli catalogue domain exchange exchange/upbit exchange/simulator execution ledger pipeline risk store strategy"
).split()
MODULES = (
    "app.py",
    "config.py",
    "environment.py",
    "execution/submit.py",
    "pipeline/cycle.py",
    "domain/money.py",
    "store/orders.py",
)


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the package `makenaide` below `folder`."""
    look = "from importlinter.cli import lint_imports_command as check"
    code = f"import sys; sys.path.insert(0, '.'); {look}; check()"
    command = [sys.executable, "-I", "-c", code, "--no-cache", "--config", str(CONTRACTS)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """An empty house with all its rooms; the caller furnishes it."""
    root = tmp_path / "makenaide"
    for room in ROOMS:
        (root / room).mkdir(parents=True, exist_ok=True)
        (root / room / "__init__.py").touch()
    for module in ("__init__.py", *MODULES):
        (root / module).touch()
    return tmp_path


def test_the_contracts_hold() -> None:
    result = lint(REPOSITORY / "src")
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_main_path_is_allowed(house: Path) -> None:
    rooms = house / "makenaide"
    (rooms / "app.py").write_text("from makenaide.exchange import simulator, upbit\nfrom makenaide import store\n")
    (rooms / "cli" / "__init__.py").write_text("from makenaide import app, catalogue\n")
    (rooms / "pipeline" / "cycle.py").write_text("import logging\nfrom makenaide.execution import submit\n")
    (rooms / "store" / "orders.py").write_text("import psycopg\nfrom makenaide.domain import money\n")
    result = lint(house)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("domain/money.py", "from makenaide import risk", "Rooms look down"),
        ("execution/submit.py", "from makenaide import pipeline", "Rooms look down"),
        ("exchange/__init__.py", "from makenaide import store", "Rooms look down"),
        ("store/orders.py", "from makenaide import exchange", "Rooms look down"),
        ("pipeline/cycle.py", "from makenaide import app", "Rooms look down"),
        ("strategy/__init__.py", "from makenaide import risk", "Neighbours"),
        ("strategy/__init__.py", "import os.path", "pure rooms"),
        ("risk/__init__.py", "from time import time", "pure rooms"),
        ("ledger/__init__.py", "import logging", "pure rooms"),
        ("domain/money.py", "import random", "pure rooms"),
        ("domain/money.py", "import urllib3", "pure rooms"),
        ("domain/money.py", "import numpy", "Money is Decimal"),
        ("pipeline/cycle.py", "import psycopg", "speaks to the database"),
        ("exchange/upbit/__init__.py", "import boto3", "speaks to the cloud"),
        ("cli/__init__.py", "from makenaide.exchange import simulator", "chooses a venue"),
        ("pipeline/cycle.py", "from makenaide.exchange.upbit import client", "chooses a venue"),
        ("execution/submit.py", "from makenaide import catalogue", "knows the messages"),
    ],
)
def test_a_forbidden_look_breaks_its_contract(house: Path, module: str, line: str, contract: str) -> None:
    rooms = house / "makenaide"
    (rooms / "exchange" / "upbit" / "client.py").touch()
    # Neighbours may look one way; here the other way is taken already.
    (rooms / "risk" / "__init__.py").write_text("from makenaide import strategy\n")
    with (rooms / module).open("a") as file:
        file.write(f"{line}\n")
    result = lint(house)
    broken = [text for text in result.stdout.split("\n") if text.endswith("BROKEN")]
    assert result.returncode == 1, result.stdout + result.stderr
    assert any(contract in text for text in broken), result.stdout


def test_an_unknown_room_has_to_be_given_its_place(house: Path) -> None:
    shutil.copytree(house / "makenaide" / "risk", house / "makenaide" / "attic")
    result = lint(house)
    assert result.returncode == 1
    assert "attic" in result.stdout
