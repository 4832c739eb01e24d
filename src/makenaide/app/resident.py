"""The simulated venue of a wall-clock account: a process of its own that lives for as long as anybody uses it.

The trading process and the guard reach the same account over HTTP on loopback, and neither takes it along when it is
killed. Users claim it as those of the embedded database do (`store.claims`); whoever needs it and finds it dead
starts it again, from its command log, under the same address.

    with resident(folder) as venue:
        client = upbit_client(settings, Tended(venue, settings.transport), read_keys(folder / "keys.json"), clock)

In `folder`: world.json (what it serves), venue.json (where it is), venue-users (who needs it), venue.out, venue.err.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from makenaide.app.announcement import Announcement, fault_of
from makenaide.app.client import UNREADABLE, write_private
from makenaide.app.detached import Detached, Living, detach, this_process, until
from makenaide.domain.errors import DiskFull, InUse, MakenaideError, Unavailable
from makenaide.exchange.http import NotConnected, Request, Response
from makenaide.exchange.upbit.settings import TransportSettings
from makenaide.exchange.upbit.transport import UrllibTransport
from makenaide.store.claims import Claim, claims, exclusive
from makenaide.store.home import file_faults

_START_SECONDS = 120.0
_TAKEOVER_SECONDS = 10.0
"""How long a new venue waits for one that is ending to let go of the command log."""
_DEATH_SECONDS = 0.5
"""A dying process closes its sockets a moment before it can be seen to be dead."""
_LOOK_SECONDS = 0.5
_IDLE_SECONDS = 3.0
"""A venue that nobody claims for so long ends: longer than a killed trader's successor takes to start."""
_DISK_FULL = 507
"""The face's status for it (`exchange.simulator.rest.face.DISK_FULL`), which is not worth that room's imports."""


class Address(Living, frozen=True, kw_only=True):
    """Where the venue is, or was last: its port outlives its process."""

    port: int

    @property
    def url(self) -> str:
        """Its address on loopback."""
        return f"http://127.0.0.1:{self.port}"


def venue_address(folder: Path) -> Address | None:
    """Where the venue of the account in `folder` is, or was; None before its first start, or when nobody can read it.

    Never raises for what is in the file: a port that is not known is chosen anew.
    """
    try:
        return msgspec.json.decode((folder / "venue.json").read_bytes(), type=Address)
    except (OSError, *UNREADABLE):
        return None


class ResidentVenue:
    """The venue of the account in `folder`, used by this process. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._address: Address | None = None

    def url(self) -> str:
        """Its address; it is started first if it does not live.

        Raises the venue's own fault (a damaged log, a full disk ...) under its own class when it does not start;
        `Unavailable` when it says nothing, or others are at it for very long.
        """
        with self._lock:
            if self._address is None or not self._address.alive:
                self._address = self._found() or self._started()
            return self._address.url

    def last_url(self) -> str:
        """Its address as last known, where perhaps nobody answers: nothing is started. `NotConnected` before any."""
        address = venue_address(self.folder)
        if address is None:
            raise NotConnected("the venue has no address yet")
        return address.url

    def died(self) -> bool:
        """Whether it has ended: told apart from a connection that failed for another reason."""
        address = self._address
        return address is None or until(lambda: not address.alive, _DEATH_SECONDS)

    def _found(self) -> Address | None:
        address = venue_address(self.folder)
        return address if address is not None and address.alive else None

    def _started(self) -> Address:
        lock = self.folder / "venue.lock"
        busy = Unavailable(f"another process has been starting the venue for long ({lock})")
        with file_faults(self.folder), exclusive(lock, _START_SECONDS, busy):
            return self._found() or self._start()

    def _start(self) -> Address:
        deadline = time.monotonic() + _TAKEOVER_SECONDS
        world = str(self.folder / "world.json")
        command = [
            sys.executable,
            "-m",
            "makenaide",
            "exchange",
            "simulate",
            "--json",
            "--resident",
            "--world",
            world,
        ]
        while True:
            process = detach(command, self.folder, "venue")
            fault = _fault(process)
            address = self._found()
            if fault is None and address is not None:
                return address
            fault = fault or Unavailable(f"the venue did not start: {process.last_words()}")
            if not isinstance(fault, InUse) or time.monotonic() > deadline:
                raise fault
            time.sleep(0.1)


def _fault(process: Detached) -> MakenaideError | None:
    """Why it did not start; None when it says that it did."""
    line = process.first_line(_START_SECONDS)
    try:
        said = msgspec.json.decode(line, type=Announcement)
    except UNREADABLE:
        return Unavailable(f"the venue did not start: {process.last_words()}")
    return fault_of(said) if said.error else None


@contextmanager
def resident(folder: Path) -> Iterator[ResidentVenue]:
    """Use the venue of the account in `folder` until the block ends; raises as `ResidentVenue.url`."""
    claim = Claim(folder / "venue-users")
    with file_faults(folder):
        claim.take()
    try:
        venue = ResidentVenue(folder)
        venue.url()
        yield venue
    finally:
        claim.drop()


class Tended:
    """The transport to a resident venue that starts it again when it has died. Thread-safe.

    A request that never got there is sent once more then; one that broke off is `Interrupted`, and the next finds a
    venue. `NotConnected` while it cannot be started, or its own fault where waiting would not help. `DiskFull` when
    the venue says so.
    """

    def __init__(self, venue: ResidentVenue, settings: TransportSettings) -> None:
        self._venue = venue
        self._settings = settings
        self._lock = threading.Lock()
        self._opened: tuple[str, UrllibTransport] | None = None

    def send(self, request: Request) -> Response:
        """Send once."""
        try:
            response = self._transport().send(request)
        except NotConnected:
            if not self._venue.died():
                raise
            response = self._transport().send(request)
        if response.status == _DISK_FULL:
            raise DiskFull(f"{request.method} {request.path}: {response.body.decode(errors='replace')}")
        return response

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            if self._opened is not None:
                self._opened[1].close()
                self._opened = None

    def _transport(self) -> UrllibTransport:
        try:
            url = self._venue.url()
        except DiskFull:
            raise
        except Unavailable as cause:
            raise NotConnected(f"the venue does not start: {cause}") from cause
        with self._lock:
            if self._opened is None or self._opened[0] != url:
                if self._opened is not None:
                    self._opened[1].close()
                self._opened = url, UrllibTransport(url, self._settings)
            return self._opened[1]


# ---- in the venue's own process ----


def move_in(folder: Path, port: int) -> None:
    """This process is the venue of the account in `folder`, and listens on `port`; `DiskFull`, `Misconfigured`."""
    me = this_process()
    with file_faults(folder):
        write_private(folder / "venue.json", msgspec.json.encode(Address(port=port, pid=me.pid, born=me.born)))


def move_out_when_idle(folder: Path, stop: Callable[[], None]) -> None:
    """Call `stop` once nobody has used the venue of `folder` for a few seconds; runs in a thread of its own."""
    threading.Thread(target=_watch_claims, args=(folder, stop), daemon=True, name="claims").start()


def _watch_claims(folder: Path, stop: Callable[[], None]) -> None:
    idle_since: float | None = None
    while True:
        time.sleep(_LOOK_SECONDS)
        try:
            used = bool(claims(folder / "venue-users"))
            idle_since = None if used else idle_since or time.monotonic()
            if idle_since is not None and time.monotonic() - idle_since >= _IDLE_SECONDS and _left(folder):
                break
        except OSError:
            break  # the folder is gone, or nobody can get at it: nobody can find this venue either
    stop()


def _left(folder: Path) -> bool:
    """Give up the address, unless somebody has come or is at it just now: whoever comes later starts a new venue."""
    try:
        with exclusive(folder / "venue.lock", 0.0, InUse()):
            address = venue_address(folder)
            if claims(folder / "venue-users") or address is None:
                return address is None
            write_private(folder / "venue.json", msgspec.json.encode(Address(port=address.port, pid=0, born="")))
            return True
    except InUse:
        return False
