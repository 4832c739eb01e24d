"""Messages on their way: out of the real outbox, over a real wire to a webhook on loopback, once a key."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from makenaide.app.logs import JsonLines
from makenaide.app.notify import channels
from makenaide.domain.errors import Unavailable
from makenaide.environment import WEBHOOK_NAME, Environment, load
from makenaide.exchange.upbit.settings import TransportSettings
from makenaide.monitoring.channels import Channel, Refused
from makenaide.monitoring.delivery import Delivered, deliver, owes
from makenaide.store.db import Database, Role
from makenaide.store.outbox import (
    Message,
    Outcome,
    Urgency,
    channel_held,
    deliveries,
    message_of,
    put_message,
    undelivered,
)
from tests.contract.conftest import Connect
from tests.contract.test_transport import Server, says

pytestmark = pytest.mark.sockets

NOW = datetime.now(UTC)
"""When this module was loaded: messages are written up to half an hour later, so that no test may hang on less."""
AT = datetime(2025, 3, 2, tzinfo=UTC)
SECRET = "T0000-canary-of-the-webhook"  # not a secret
QUICK = TransportSettings(connect=1, read=0.3, total=0.6)
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
BROKEN = b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"


def message(key: str = "morning 1", **more: object) -> Message:
    plain = Message(
        key=key, account_id="0001aaaaaaaa", at=AT, urgency=Urgency.INFO, title=key, body="all is well", detail={}
    )
    return replace(plain, **more)  # type: ignore[arg-type]


@dataclass
class Ear:
    """A channel that plays its faults and then takes everything."""

    faults: list[Exception] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    name: str = "ear"

    def send(self, message: Message) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.heard.append(message.key)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def put(db: Database, *keys: str) -> None:
    for key in keys:
        put_message(db, message(key))


def outcomes(db: Database, key: str = "morning 1") -> list[str]:
    return [f"{each.channel} {each.outcome}" for each in deliveries(db, key)]


def test_one_key_is_one_message_whoever_puts_it(journal: Database, connect: Connect) -> None:
    other = connect(Role.WRITER)
    assert put_message(journal, message(title="first"))
    assert not put_message(journal, message(title="second"))
    assert not put_message(other, message(title="third"))
    kept = message_of(journal, "morning 1")
    assert kept is not None
    assert kept.title == "first"
    assert [each.message.key for each in undelivered(journal, "ear", later(-60))] == ["morning 1"]


def test_a_message_comes_back_as_it_was_put_however_odd_its_words(journal: Database) -> None:
    odd = message(
        title="점검 \x1b[31m", body="'; drop table outbox; --\n%s {x} \x00", detail={"a": [1, {"b": None}]}
    )
    put_message(journal, odd)
    assert message_of(journal, odd.key) == replace(odd, body=odd.body.replace("\x00", "?"))


def test_nothing_is_delivered_that_is_not_committed(journal: Database, connect: Connect) -> None:
    ear = Ear()
    with journal.transaction():
        put_message(journal, message())
        deliver(connect(Role.WRITER), [ear], later(1))
    assert ear.heard == []
    deliver(journal, [ear], later(2))
    assert ear.heard == ["morning 1"]


def test_each_channel_gets_each_message_once_and_in_order(journal: Database) -> None:
    put(journal, "a", "b", "c")
    one, two = Ear(name="one"), Ear(name="two")
    assert owes(journal, "one", later(1))
    assert deliver(journal, [one, two], later(1)) == (
        Delivered(channel="one", done=3),
        Delivered(channel="two", done=3),
    )
    put(journal, "d", "a")
    deliver(journal, [one, two], later(2))
    assert one.heard == two.heard == ["a", "b", "c", "d"]
    assert not owes(journal, "one", later(1))
    assert owes(journal, "three", later(1))


def test_what_fails_is_tried_again_after_a_pause_and_nothing_overtakes_it(journal: Database) -> None:
    put(journal, "a", "b")
    ear = Ear(faults=[Unavailable("down"), Unavailable("still down")])
    assert deliver(journal, [ear], NOW) == (Delivered(channel="ear", failed=1),)
    assert deliver(journal, [ear], later(4.9)) == (Delivered(channel="ear"),)
    assert deliver(journal, [ear], later(5)) == (Delivered(channel="ear", failed=1),)
    assert deliver(journal, [ear], later(14.9)) == (Delivered(channel="ear"),)
    assert deliver(journal, [ear], later(15)) == (Delivered(channel="ear", done=2),)
    assert ear.heard == ["a", "b"]
    assert outcomes(journal, "a") == ["ear failed", "ear failed", "ear done"]
    assert [each.detail for each in deliveries(journal, "a")] == ["down", "still down", ""]


def test_a_message_that_the_channel_dislikes_holds_up_no_others_for_ever(journal: Database) -> None:
    put(journal, "poison", "good")

    class Picky(Ear):
        def send(self, message: Message) -> None:
            if message.key == "poison":
                raise Unavailable("answered 500")
            super().send(message)

    ear, at = Picky(), 0.0
    while not ear.heard:
        deliver(journal, [ear], later(at))
        at += 5
        assert at < 300
    assert ear.heard == ["good"]
    assert outcomes(journal, "poison") == ["ear failed"] * 5


def test_a_channel_that_is_down_is_left_alone_after_two_failures(journal: Database) -> None:
    put(journal, *"abcdefgh")
    ear = Ear(faults=[Unavailable("down")] * 1_000)
    before = 1_000
    for step in range(60):
        deliver(journal, [ear], later(step * 60))
        assert before - len(ear.faults) <= 2
        before = len(ear.faults)
    ear.faults = []
    deliver(journal, [ear], later(60 * 60 + 900))
    assert sorted(ear.heard) == list("abcdefgh")


def test_a_message_refused_for_good_is_given_up_and_the_next_is_sent(journal: Database) -> None:
    put(journal, "a", "b")
    ear = Ear(faults=[Refused("refused the message (400)")])
    assert deliver(journal, [ear], NOW) == (Delivered(channel="ear", done=1, given_up=1),)
    assert deliver(journal, [ear], later(3600)) == (Delivered(channel="ear"),)
    assert outcomes(journal, "a") == ["ear given up"]


def test_what_is_older_than_three_days_is_given_up_on_record(journal: Database) -> None:
    put(journal, "a", "b")
    ear = Ear(faults=[Unavailable("down")])
    deliver(journal, [ear], NOW)
    assert deliver(journal, [ear], later(3 * 86_400 + 7_200)) == (Delivered(channel="ear", given_up=2),)
    assert ear.heard == []
    assert outcomes(journal, "a") == ["ear failed", "ear given up"]
    assert [each.detail for each in deliveries(journal, "b")] == ["older than three days"]
    assert deliver(journal, [ear], later(3 * 86_400 + 7_300)) == (Delivered(channel="ear"),)


def test_the_age_is_that_of_the_writing_not_of_what_is_told(journal: Database) -> None:
    """A simulated account tells of any year."""
    put_message(journal, message("old news", at=datetime(2018, 1, 1, tzinfo=UTC)))
    ear = Ear()
    deliver(journal, [ear], NOW)
    assert ear.heard == ["old news"]


def test_two_deliverers_at_once_send_nothing_twice(journal: Database, connect: Connect) -> None:
    """The second finds the channel held; what is left it finds delivered."""
    put(journal, *(f"m{number}" for number in range(30)))
    heard: list[str] = []
    gate = threading.Barrier(4)
    told: list[Delivered] = []

    class Slow(Ear):
        def send(self, message: Message) -> None:
            threading.Event().wait(0.002)
            heard.append(message.key)

    def work(db: Database) -> None:
        gate.wait()
        for _ in range(10):
            told.extend(deliver(db, [Slow()], later(1)))

    threads = [threading.Thread(target=work, args=(connect(Role.WRITER),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == [f"m{number}" for number in range(30)]
    assert any(each.busy for each in told)


def test_a_deliverer_that_dies_frees_its_channel(journal: Database, connect: Connect) -> None:
    put(journal, "a")
    other, ear = connect(Role.WRITER), Ear()
    with channel_held(other, "ear") as held:
        assert held
        assert deliver(journal, [ear], NOW) == (Delivered(channel="ear", busy=True),)
        other.close()
    while deliver(journal, [ear], NOW)[0].busy:
        pass
    assert ear.heard == ["a"]


def test_a_crash_between_the_sending_and_its_row_sends_again_with_the_same_key(journal: Database) -> None:
    put(journal, "a")

    class Dying(Ear):
        def send(self, message: Message) -> None:
            super().send(message)
            raise KeyboardInterrupt

    ear = Dying()
    with pytest.raises(KeyboardInterrupt):
        deliver(journal, [ear], NOW)
    deliver(journal, [Ear(heard=ear.heard)], NOW)
    assert ear.heard == ["a", "a"]


@pytest.fixture
def hook() -> Iterator[Callable[..., Server]]:
    """Servers on loopback, each with its acts; all stopped afterwards."""
    made: list[Server] = []

    def serve(*acts: Callable[[Server, object], None]) -> Server:
        made.append(Server(list(acts)))
        made[-1].start()
        return made[-1]

    yield serve
    for server in made:
        server.stop()


def to(server: Server, home: Path) -> tuple[Environment, tuple[Channel, ...]]:
    env = load({"MAKENAIDE_HOME": str(home), WEBHOOK_NAME: f"{server.address}/hooks/{SECRET}?token={SECRET}"})
    return env, channels(env, limits=QUICK)


def rows(db: Database) -> str:
    found = db.connection.execute(b"select o::text as told from outbox o union all select d::text from delivery d")
    return "\n".join(row.told for row in found)


def test_a_webhook_gets_the_message_over_a_real_wire_once(
    journal: Database, hook: Callable[..., Server], tmp_path: Path
) -> None:
    server = hook(says(OK))
    put(journal, "morning 1")
    _, ways = to(server, tmp_path)
    for _ in range(3):
        deliver(journal, ways, NOW)
    (request,) = server.heard
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(f"POST /hooks/{SECRET}?token={SECRET} HTTP/1.1".encode())
    assert b"idempotency-key: morning%201" in head
    assert json.loads(body)["text"] == "morning 1\nall is well"
    assert outcomes(journal) == ["log done", "webhook done"]


def hangs(_: Server, __: object) -> None:
    threading.Event().wait(1.5)


BAD = {
    "answered 500 Internal Server Error": says(BROKEN),
    "answered 302 Found": says(b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n"),
    "answered 404 Not Found": says(b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n"),
    "no whole answer came": hangs,
}
"""What a bad webhook does, by what is said of it."""


@pytest.mark.parametrize("detail", BAD)
def test_a_webhook_that_fails_gets_it_later_with_the_same_key_and_the_secret_is_nowhere(
    detail: str,
    journal: Database,
    hook: Callable[..., Server],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = hook(BAD[detail], says(OK))
    put(journal, "morning 1")
    env, ways = to(server, tmp_path)
    with caplog.at_level(logging.DEBUG):
        deliver(journal, ways, NOW)
        deliver(journal, ways, later(5))
    assert [request.partition(b"\r\n")[0].split()[0] for request in server.heard] == [b"POST", b"POST"]
    assert all(b"idempotency-key: morning%201" in request for request in server.heard)
    assert outcomes(journal) == ["log done", "webhook failed", "webhook done"]
    failed = deliveries(journal, "morning 1")[1]
    assert failed.outcome is Outcome.FAILED
    assert failed.detail == f"{server.address.removeprefix('http://')}: {detail}"
    told = "\n".join(JsonLines("run").format(record) for record in caplog.records)
    assert detail in told
    assert SECRET not in told + rows(journal) + repr(env)


def test_nobody_at_the_address_is_a_failure_like_another(
    journal: Database, hook: Callable[..., Server], tmp_path: Path
) -> None:
    server = hook(says(OK))
    _, ways = to(server, tmp_path)
    server.stop()
    put(journal, "morning 1")
    deliver(journal, ways, NOW)
    assert deliveries(journal, "morning 1")[-1].detail.endswith(": cannot be reached")
    assert SECRET not in rows(journal)


def test_a_redirect_leads_nowhere(journal: Database, tmp_path: Path) -> None:
    seen: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.path)
            self.send_response(307)
            self.send_header("location", "/stolen")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/hooks/{SECRET}"
            put(journal, "morning 1")
            deliver(journal, channels(load({WEBHOOK_NAME: url}), limits=QUICK), NOW)
        finally:
            server.shutdown()
            thread.join()
    assert seen == [f"/hooks/{SECRET}"]
    assert outcomes(journal) == ["log done", "webhook failed"]
