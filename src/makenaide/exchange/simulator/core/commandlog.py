"""The simulator's own memory: every command as one line, on disk before its reply leaves.

    {"n":3,"at":"2026-01-05T00:00:01.000000+00:00","command":"order","body":{...},"crc":"5b2f90aa"}

Line 0 is the header with the fingerprint of seed, settings and data. `rebuild` replays a log on a fresh venue: after
`kill -9` the venue stands where its last durable command left it. A last line without its end was never answered:
it is dropped. Anything else that is wrong is `Inconsistent`, naming file and line.
"""

import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zlib import crc32

import msgspec

from makenaide.domain.errors import DiskFull, Inconsistent, InUse, MakenaideError, Misconfigured, Unavailable
from makenaide.exchange.simulator.core.errors import Refused
from makenaide.exchange.simulator.core.feed import Announcement
from makenaide.exchange.simulator.core.operator import Operator, move_of
from makenaide.exchange.simulator.core.treasury import BlockState, Direction, TransferState, WalletState
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.disk import FULL, not_kept
from makenaide.exchange.simulator.prices.program import event

_CRC = b',"crc":"'


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line: its number, the venue's time when it was given, what was done."""

    n: int
    at: datetime
    command: str
    body: dict[str, object]


@dataclass(slots=True)
class CommandLog:
    """Appends to an open file; a line that could not be kept whole is cut off again."""

    descriptor: int
    name: str
    length: int = 0
    lines: int = 0
    broken: bool = False

    def append(self, at: datetime, command: str, body: Mapping[str, object]) -> None:
        """Write and fsync one command; `DiskFull` or `Unavailable` when it is not durable: then it is not there."""
        if self.broken:
            raise Unavailable(f"{self.name}: an earlier write failed and could not be undone")
        line = _line(Command(n=self.lines, at=at, command=command, body=dict(body)))
        try:
            _write(self.descriptor, line)
            os.fsync(self.descriptor)
        except OSError as cause:
            self._undo()
            raise not_kept(self.name, cause) from cause
        self.length += len(line)
        self.lines += 1

    def close(self) -> None:
        """Close the file and give up its lock."""
        os.close(self.descriptor)

    def _undo(self) -> None:
        try:
            os.ftruncate(self.descriptor, self.length)
            os.lseek(self.descriptor, self.length, os.SEEK_SET)
        except OSError:
            self.broken = True


def rebuild(venue: Venue, path: Path, fingerprint: str) -> CommandLog:
    """Replay `path` on the fresh `venue` and make it the venue's journal; a new file if there is none.

    `InUse` while another process writes it; `Inconsistent` if a line is damaged, no longer possible, or the log is
    of another world than `fingerprint`; `Unavailable` when market data that it needs cannot be had.
    """
    log = _open(path)
    try:
        _sync_folder(path.parent)
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        for number, text in enumerate(whole.splitlines(keepends=True)):
            _replay(venue, _parsed(text, number, path), fingerprint, f"{path} line {number + 1}")
        if len(whole) < len(data):
            os.ftruncate(log.descriptor, len(whole))
            os.fsync(log.descriptor)
        log.length, log.lines = len(whole), whole.count(b"\n")
        os.lseek(log.descriptor, log.length, os.SEEK_SET)
        if not log.lines:
            log.append(venue.now, "header", {"version": 1, "fingerprint": fingerprint})
    except BaseException:
        log.close()
        raise
    venue.journal = log
    return log


def _open(path: Path) -> CommandLog:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as cause:
        if cause.errno in FULL:
            raise DiskFull(f"{path}: {cause.strerror}") from cause
        raise Misconfigured(f"{path}: the command log cannot be opened: {cause.strerror}") from cause
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as cause:
        os.close(descriptor)
        raise InUse(f"{path}: another simulator writes this command log") from cause
    return CommandLog(descriptor, str(path))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(command: Command) -> bytes:
    payload = msgspec.json.encode(command)
    return payload[:-1] + _CRC + f"{crc32(payload):08x}".encode() + b'"}\n'


def _parsed(text: bytes, number: int, path: Path) -> Command:
    payload, _, _ = text.rpartition(_CRC)
    try:
        command = msgspec.json.decode(payload + b"}", type=Command)
        sound = _line(command) == text and command.n == number
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise Inconsistent(f"{path} line {number + 1}: damaged: {cause}") from cause
    if not sound:
        raise Inconsistent(f"{path} line {number + 1}: damaged: number or checksum is wrong")
    return command


def _replay(venue: Venue, command: Command, fingerprint: str, where: str) -> None:
    if command.n == 0:
        if command.command != "header" or command.body != {"version": 1, "fingerprint": fingerprint}:
            raise Inconsistent(f"{where}: the log is of another seed, other settings or other data")
        return
    try:
        perform(venue, command)
    except Unavailable:
        raise  # market data that cannot be had now says nothing against the log
    except (Refused, KeyError, ValueError, ArithmeticError, MakenaideError) as cause:
        raise Inconsistent(f"{where}: {command.command} is no longer possible: {cause!r}") from cause


def perform(venue: Venue, command: Command) -> None:
    """Do `command` again; `Inconsistent` when no venue knows such a command."""
    venue.advance(command.at)
    match command.command, command.body:
        case "open", {"account": str(name), "balances": dict(balances)}:
            venue.open_account(name, {each: Decimal(balances[each]) for each in balances})
        case "order", {"account": str(name), "order": dict(order)}:
            venue.place(name, order)
        case "burn", {"account": str(name), "identifier": str(identifier)}:
            venue.burn(name, identifier)
        case "cancel", {"account": str(name), "uuid": str(uuid)}:
            venue.cancel(venue.accounts[name].orders[uuid])
        case "cancel_many", {"account": str(name), "uuids": list(uuids)}:
            venue.cancel_many(name, [venue.accounts[name].orders[uuid] for uuid in uuids])
        case "replace", {"account": str(name), "uuid": str(uuid), "order": dict(order)}:
            venue.replace(venue.accounts[name].orders[uuid], order)
        case "advance", {"until": str(until)}:
            venue.advance(datetime.fromisoformat(until))
        case _:
            _operate(Operator(venue), command)


def _operate(operator: Operator, command: Command) -> None:
    match command.command, command.body:
        case "transfer", {"account": str(name), "direction": Direction.DEPOSIT}:
            operator.deposit(name, move_of(command.body))
        case "transfer", {"account": str(name), "direction": Direction.WITHDRAW}:
            operator.withdraw(name, move_of(command.body))
        case "settle", {"uuid": str(uuid), "state": str(state)}:
            operator.settle(uuid, TransferState(state))
        case "airdrop", {"account": str(name), "currency": str(currency), "change": str(change)}:
            operator.airdrop(name, currency, Decimal(change))
        case "wallet", {"currency": str(currency), "wallet": str(wallet), "block": str(block)}:
            operator.set_wallet(currency, WalletState(wallet), BlockState(block))
        case "address", {"account": str(name), "currency": str(currency), "network": str(network)}:
            operator.make_address(name, currency, network)
        case "announce", {"category": str(), "title": str()}:
            operator.announce(msgspec.convert(command.body, Announcement))
        case "event", {"event": dict(table)}:
            operator.stage(event(table, "event", command.at))
        case "watch", {"account": str(name), "order": dict(order), "trigger": str(trigger)}:
            operator.place_watch(name, order, Decimal(trigger))
        case _:
            raise Inconsistent(f"unknown command {command.command!r}")


def _write(descriptor: int, line: bytes) -> None:
    while line:
        line = line[os.write(descriptor, line) :]
