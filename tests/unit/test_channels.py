"""Channels: what a reader gets, what harms none of them, and which faults are worth another try."""

import io
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from makenaide.app.logs import JsonLines
from makenaide.app.notify import channels
from makenaide.domain.errors import Misconfigured, Unavailable
from makenaide.environment import WEBHOOK_NAME, WebhookSecret, forget_secrets, load
from makenaide.exchange.http import Interrupted, NotConnected
from makenaide.monitoring.channels import Channel, LogChannel, Refused, TerminalChannel, WebhookChannel
from makenaide.monitoring.delivery import pause
from makenaide.store.outbox import Message, Urgency, storable
from tests.unit.upbit_script import Script, Step, StepClock, reply

AT = datetime(2026, 11, 28, 0, 10, tzinfo=UTC)
MESSAGE = Message(
    key="morning 2026-11-28",
    account_id="0001aaaaaaaa",
    at=AT,
    urgency=Urgency.WARNING,
    title="Morning list: WARN",
    body="M6 WARN  two markets\nM9 PASS",
    detail={"verdict": "WARN"},
)
EVIL = "\x1b]0;mine\x07[red]KRW-EVIL[/] \u202edesrever\x9b31m\r\x00"
SECRET = "T0000-canary-of-the-webhook"  # not a secret


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def __init__(self, coding: str = "utf-8", *, terminal: bool = True) -> None:
        self.got = io.BytesIO()
        self._terminal = terminal
        super().__init__(self.got, encoding=coding, newline="\n")

    def isatty(self) -> bool:
        return self._terminal

    @property
    def text(self) -> str:
        self.flush()
        return self.got.getvalue().decode(self.encoding)


def webhook(*steps: Step) -> tuple[WebhookChannel, Script]:
    script = Script(list(steps), StepClock())
    return WebhookChannel(transport=script, target=f"/services/{SECRET}", host="hooks.example.com:443"), script


@pytest.mark.parametrize(
    ("urgency", "level"),
    [(Urgency.INFO, "INFO"), (Urgency.WARNING, "WARNING"), (Urgency.PAGE, "ERROR")],
)
def test_a_log_record_has_its_level_by_urgency_and_is_one_line_of_json(
    urgency: Urgency, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "makenaide"):
        LogChannel().send(replace(MESSAGE, urgency=urgency, title=f"a\n{EVIL}"))
    (record,) = caplog.records
    line = JsonLines("run").format(record)
    told = json.loads(line)
    assert "\n" not in line
    assert "\x1b" not in line
    assert (told["level"], told["action"], told["key"], told["urgency"]) == (
        level,
        "message",
        MESSAGE.key,
        urgency,
    )
    assert (told["title"], told["body"]) == (f"a\n{EVIL}", MESSAGE.body)


def test_a_terminal_gets_the_time_of_its_people_and_every_line() -> None:
    stream = Terminal()
    TerminalChannel(stream=stream).send(MESSAGE)
    assert stream.text == ("! 2026-11-28 09:10 KST  Morning list: WARN\n  M6 WARN  two markets\n  M9 PASS\n")


@pytest.mark.parametrize(
    ("urgency", "mark"), [(Urgency.INFO, "- "), (Urgency.WARNING, "! "), (Urgency.PAGE, "!! ")]
)
def test_a_terminal_shows_the_urgency_as_a_mark(urgency: Urgency, mark: str) -> None:
    stream = Terminal()
    TerminalChannel(stream=stream).send(replace(MESSAGE, urgency=urgency, body=""))
    assert stream.text == f"{mark}2026-11-28 09:10 KST  Morning list: WARN\n"


def test_no_word_from_outside_steers_a_terminal() -> None:
    stream = Terminal()
    TerminalChannel(stream=stream).send(replace(MESSAGE, title=f"{EVIL}\n!! forged", body=f"{EVIL}\n\n{EVIL}"))
    assert all(char.isprintable() for line in stream.text.split("\n") for char in line)
    assert "[red]KRW-EVIL[/]" in stream.text, "what would be markup is shown as it is"
    assert [line[:2] for line in stream.text.split("\n")].count("!!") == 0, "a title cannot forge a line"


def test_a_terminal_of_few_letters_gets_what_it_can_show() -> None:
    stream = Terminal("ascii")
    TerminalChannel(stream=stream).send(replace(MESSAGE, title="점검", body=""))
    assert stream.text.endswith("KST  ??\n")


def test_nothing_is_written_where_nobody_looks() -> None:
    stream, closed = Terminal(terminal=False), Terminal()
    closed.close()
    for each in (stream, closed):
        with pytest.raises(Unavailable):
            TerminalChannel(stream=each).send(MESSAGE)
    assert stream.text == ""


def test_a_webhook_gets_json_as_slack_takes_it_and_a_key_that_tells_a_repetition() -> None:
    channel, script = webhook(reply(b"ok"))
    channel.send(replace(MESSAGE, key="morning 50% 점검\r\nx: y"))
    (request,) = script.requests
    assert (request.method, request.path) == ("POST", f"/services/{SECRET}")
    assert request.headers["idempotency-key"] == "morning%2050%25%20%EC%A0%90%EA%B2%80%0D%0Ax:%20y"
    assert request.headers["content-type"].startswith("application/json")
    assert json.loads(request.body or b"") == {
        "text": f"{MESSAGE.title}\n{MESSAGE.body}",
        "title": MESSAGE.title,
        "body": MESSAGE.body,
        "urgency": "warning",
        "key": "morning 50% 점검\r\nx: y",
        "at": "2026-11-28T00:10:00Z",
        "detail": {"verdict": "WARN"},
    }


def test_no_word_from_outside_calls_a_whole_chat() -> None:
    channel, script = webhook(reply(b"ok"))
    channel.send(replace(MESSAGE, title="<!channel> & <http://evil.example|Upbit>", body=""))
    told = json.loads(script.requests[0].body or b"")
    assert told["text"] == "&lt;!channel&gt; &amp; &lt;http://evil.example|Upbit&gt;"


def test_a_body_beyond_all_measure_is_cut() -> None:
    channel, script = webhook(reply(b"ok"))
    channel.send(replace(MESSAGE, body="x" * 9_000))
    assert json.loads(script.requests[0].body or b"")["body"] == "x" * 8_000 + " ..."


@pytest.mark.parametrize("status", [400, 402, 406, 413, 415, 422])
def test_a_message_that_is_refused_for_what_it_is_is_refused_for_good(status: int) -> None:
    channel, _ = webhook(reply(b"no", status=status))
    with pytest.raises(Refused, match=f"hooks.example.com:443: refused the message.*{status}"):
        channel.send(MESSAGE)


@pytest.mark.parametrize(
    "step",
    [*(reply(SECRET.encode(), status=each) for each in (302, 401, 403, 404, 408, 410, 429, 500, 503, 599, 799))],
    ids=lambda step: str(step.status),
)
def test_everything_else_is_worth_another_try(step: Step) -> None:
    channel, script = webhook(step)
    with pytest.raises(Unavailable, match=r"hooks\.example\.com:443: answered \d{3}") as fault:
        channel.send(MESSAGE)
    assert not isinstance(fault.value, Refused)
    assert len(script.requests) == 1, "a channel never repeats by itself"
    assert SECRET not in str(fault.value)


@pytest.mark.parametrize("fault", [NotConnected(f"no route to /services/{SECRET}"), Interrupted(f"/{SECRET}")])
def test_no_text_of_a_broken_wire_tells_the_address(fault: NotConnected | Interrupted) -> None:
    channel, _ = webhook(fault)
    with pytest.raises(Unavailable) as told:
        channel.send(MESSAGE)
    assert SECRET not in f"{told.value!r} {told.value.__cause__!r} {channel!r}"
    assert told.value.__suppress_context__


@pytest.mark.parametrize(
    ("tries", "seconds"), [(0, 5), (1, 5), (2, 10), (3, 20), (4, 40), (8, 640), (9, 900), (1_000_000, 900)]
)
def test_the_pause_doubles_up_to_a_quarter_of_an_hour(tries: int, seconds: int) -> None:
    assert pause(tries) == timedelta(seconds=seconds)


def test_what_no_database_can_hold_becomes_a_question_mark() -> None:
    odd = replace(MESSAGE, title="a\x00b\ud800", detail={"k\x00": ["\x00", {"\x00": 1}], "n": 2})
    clean = storable(odd)
    assert clean.title == "a?b?"
    assert clean.detail == {"k?": ["?", {"?": 1}], "n": 2}
    assert storable(MESSAGE) == MESSAGE


def test_the_address_is_read_once_then_out_of_the_variables_and_in_no_text() -> None:
    environ = {WEBHOOK_NAME: f"https://hooks.example.com/{SECRET}", "PATH": "/bin"}
    env = load(environ)
    forget_secrets(environ)
    assert environ == {"PATH": "/bin"}
    assert SECRET in env.webhook.url
    assert SECRET not in f"{env!r} {env} {env.webhook!r} {channels(env)!r}"
    assert env.webhook.variables() == {WEBHOOK_NAME: f"https://hooks.example.com/{SECRET}"}
    assert WEBHOOK_NAME not in env.secrets.variables(), "the guard's child has no use for it"
    assert WebhookSecret().variables() == {}


@pytest.mark.parametrize(
    "url",
    [
        f"http://hooks.example.com/{SECRET}",
        f"ftp://hooks.example.com/{SECRET}",
        f"hooks.example.com/{SECRET}",
        f"https:///{SECRET}",
        f"https://{SECRET}@hooks.example.com/x",
        f"https://hooks.example.com:99999/{SECRET}",
        f"https://hooks.example.com/{SECRET} x",
        f"https://hooks.example.com/{SECRET}#part",
        f"https://hooks.example.com/점{SECRET}",
        f"https://[{SECRET}/x",
    ],
)
def test_an_address_that_is_none_is_refused_by_its_variables_name(url: str) -> None:
    env = load({WEBHOOK_NAME: url})
    with pytest.raises(Misconfigured, match=f"^{WEBHOOK_NAME}: expected https://") as fault:
        channels(env)
    assert SECRET not in f"{fault.value!r}"
    assert fault.value.__suppress_context__ or fault.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://hooks.example.com/services/a/b?token=c%2Fd&x", "/services/a/b?token=c%2Fd&x"),
        ("https://hooks.example.com", "/"),
        ("https://hooks.example.com:8443/a", "/a"),
        ("http://127.0.0.1:9000/a", "/a"),
        ("http://[::1]:9000/a", "/a"),
    ],
)
def test_a_good_address_is_sent_to_as_it_stands(url: str, target: str) -> None:
    _, channel = channels(load({WEBHOOK_NAME: url}))
    assert isinstance(channel, WebhookChannel)
    assert channel.target == target


def test_there_is_a_terminal_only_where_somebody_looks() -> None:
    def names(found: tuple[Channel, ...]) -> list[str]:
        return [each.name for each in found]

    env = load({})
    assert names(channels(env)) == ["log"]
    assert names(channels(env, Terminal(terminal=False))) == ["log"]
    assert names(channels(env, Terminal())) == ["log", "terminal"]
    full = replace(env, webhook=WebhookSecret(url="https://hooks.example.com/x"))
    assert names(channels(full, Terminal())) == ["log", "webhook", "terminal"]
