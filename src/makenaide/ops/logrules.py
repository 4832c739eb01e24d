"""Rules over logs: what in them looks like somebody at work who ought not to be (E5).

A log is hostile text: anybody who can reach a door can write into it. Nothing here runs, prints or believes a line;
each is cut before a pattern sees it, the patterns cannot run away, and no more than `MOST` lines are looked at.

Of a statement at the database the first verb counts, past blanks and comments: what stands further on in the same
text (our own migrations are whole files) is not looked at. The venue does not tell from where a key was used: one
that is used from elsewhere shows only as the venue's refusal, where the key is bound to an address.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from makenaide.ops.check import Severity
from makenaide.ops.scene import LogLine

MOST = 1_000_000
LONGEST = 4096
"""Characters of a line that are looked at."""
_LONGEST_OBJECT = 65_536
_SAMPLE = 200

DATABASE, PROCESS, CLOUD, AUDIT = "database", "process", "cloud", "audit"
GUESSING = 10
"""Failed log-ins in a day from which on it is no slip of the finger any more."""

KNOWN_ROLES = ("makenaide-",)
"""How the names of the cloud roles begin that may read our secrets."""

_OWN_WORDS = ("makenaide.ops", "makenaide.monitoring", "makenaide.cli")
"""Who repeats in the process log what was found: no rule may hear its own echo."""

Data = Mapping[str, Any]
Fires = Callable[[str, Data], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. `name` is that of its sentence, `check.said.<name>`; from `many` lines a day on it is MAJOR."""

    name: str
    log: str
    severity: Severity
    fires: Fires
    many: int | None = None


@dataclass(slots=True, kw_only=True)
class Finding:
    """What a rule found: how often, from when to when (UTC, None = not said), and the newest line's beginning."""

    rule: Rule
    count: int = 0
    first: datetime | None = None
    last: datetime | None = None
    sample: str = ""

    @property
    def severity(self) -> Severity:
        """That of the rule, MAJOR once there are many."""
        many = self.rule.many
        return Severity.MAJOR if many is not None and self.count >= many else self.rule.severity


@dataclass(slots=True, kw_only=True)
class Sweep:
    """What came of looking through logs. `whole` is False when there were more lines than anybody looks at."""

    findings: dict[str, Finding] = field(default_factory=dict)
    lines: int = 0
    garbled: int = 0
    whole: bool = True


def _said(pattern: str, flags: int = re.IGNORECASE) -> Fires:
    found = re.compile(pattern, flags).search
    return lambda text, _: found(text) is not None


def _action(*names: str) -> Fires:
    return lambda _, data: data.get("action") in names


_GAP = r"(?:\s|/\*(?:[^*]|\*(?!/)){0,200}\*/|--[^\n]{0,200}\n){1,20}"
"""What may stand between two words of a statement."""


def _does(pattern: str) -> Fires:
    """Whether the statement of the line begins so; a blank in `pattern` is whatever parts words there."""
    found = re.compile(pattern.replace(" ", _GAP), re.IGNORECASE).match
    return lambda _, data: found(data["statement"]) is not None


def _either(*rules: Fires) -> Fires:
    return lambda text, data: any(fires(text, data) for fires in rules)


_STATEMENT = re.compile(r"(?:statement|execute [^:]{0,80}):", re.IGNORECASE)
_BLANKS = re.compile(r"[\s;]*")
_COMMENT = re.compile(r"/\*|\*/")


def statement_of(text: str) -> str:
    """The statement in an entry of the database's log from its first word on; "" for an entry without one.

    The comments before it are skipped as the server reads them: those between /* and */ hold others.
    """
    begin = _STATEMENT.search(text, 0, LONGEST)
    at = -1 if begin is None else begin.end()
    while at >= 0:
        blanks = _BLANKS.match(text, at)
        at = at if blanks is None else blanks.end()
        if text.startswith("--", at):
            at = text.find("\n", at)
        elif text.startswith("/*", at):
            at = _after_comment(text, at)
        else:
            return text[at : at + LONGEST]
    return ""


def _after_comment(text: str, at: int) -> int:
    depth = 0
    for mark in _COMMENT.finditer(text, at):
        depth += 1 if mark[0] == "/*" else -1
        if not depth:
            return mark.end()
    return -1


_REFUSED_ADDRESS = re.compile(r"no_authorization_i_?p|\bNotAllowed\b")


def _new_address(text: str, data: Data) -> bool:
    return _REFUSED_ADDRESS.search(f"{text} {str(data.get('cause', ''))[:LONGEST]}") is not None


def _forged_stops(_: str, data: Data) -> bool:
    cause = str(data.get("cause", ""))[:LONGEST]
    return data.get("action") == "alarm.guard_stops" and ("signed" in cause or "went back" in cause)


def _forged_journal(_: str, data: Data) -> bool:
    # The same alarm tells of a disk that refuses, which is nobody's doing.
    return data.get("action") == "alarm.guard_journal" and "damaged" in str(data.get("message", ""))


def _secret_read(_: str, data: Data) -> bool:
    if data.get("eventName") not in ("GetSecretValue", "BatchGetSecretValue"):
        return False
    return not role_of(data).startswith(KNOWN_ROLES)


def role_of(data: Data) -> str:
    """The name of the role behind a cloud event; "" when it does not say, which is nobody whom we know."""
    identity = data.get("userIdentity")
    context = identity.get("sessionContext") if isinstance(identity, Mapping) else None
    issuer = context.get("sessionIssuer") if isinstance(context, Mapping) else None
    name = issuer.get("userName") if isinstance(issuer, Mapping) else None
    return name if isinstance(name, str) else ""


_POLICY_EVENTS = frozenset(
    "AttachRolePolicy AttachUserPolicy PutRolePolicy PutUserPolicy CreatePolicyVersion UpdateAssumeRolePolicy "
    "CreateAccessKey CreateUser CreateLoginProfile DeleteRolePolicy DetachRolePolicy PutBucketPolicy "
    "AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress ModifyDBInstance PutResourcePolicy PutKeyPolicy "
    "StopLogging DeleteTrail UpdateTrail DisableAlarmActions DeleteAlarms".split()
)


def _policy_change(_: str, data: Data) -> bool:
    event = data.get("eventName")
    return isinstance(event, str) and event in _POLICY_EVENTS and not role_of(data).startswith(KNOWN_ROLES)


def _failed_console(_: str, data: Data) -> bool:
    answer = data.get("responseElements")
    return (
        data.get("eventName") == "ConsoleLogin"
        and isinstance(answer, Mapping)
        and answer.get("ConsoleLogin") == "Failure"
    )


RULES: tuple[Rule, ...] = (
    Rule(
        name="e5_failed_login",
        log=DATABASE,
        severity=Severity.MINOR,
        fires=_said(
            r'FATAL:\s{1,20}(?:password authentication failed|no pg_hba\.conf entry|role "[^"]{0,80}" does not exist'
            r"|\S{1,20} authentication failed|pg_hba\.conf rejects)"
        ),
        many=GUESSING,
    ),
    Rule(
        name="e5_role_change",
        log=DATABASE,
        severity=Severity.MAJOR,
        fires=_does(
            r"(?:ALTER|CREATE|DROP) (?:ROLE|USER|GROUP|POLICY)\b|(?:GRANT|REVOKE) |ALTER DEFAULT PRIVILEGES\b"
        ),
    ),
    Rule(
        name="e5_database_setting",
        log=DATABASE,
        severity=Severity.MINOR,
        fires=_either(_said(r'LOG:  parameter "[^"]{1,80}" changed to'), _does(r"ALTER SYSTEM\b")),
    ),
    Rule(
        name="e5_triggers_off",
        log=DATABASE,
        severity=Severity.MAJOR,
        # Not in what makes a function: ours switch one off themselves, and are made by migrations.
        fires=_does(r"(?!CREATE\b)[^;]{0,400}?(?:DISABLE TRIGGER|DROP TRIGGER|session_replication_role)\b"),
    ),
    Rule(
        name="e5_tampering",
        log=DATABASE,
        severity=Severity.MAJOR,
        fires=_said(
            r"ERROR:\s{1,20}(?:[a-z_]{1,60} is append-only|the chain [a-z_]{1,60} of \S{0,40} only grows)"
        ),
    ),
    Rule(
        name="e5_denied",
        log=DATABASE,
        severity=Severity.MINOR,
        fires=_said(r"ERROR:\s{1,20}permission denied for (?:table|schema|function|sequence|view) "),
        many=GUESSING,
    ),
    Rule(name="e5_new_address", log=PROCESS, severity=Severity.MAJOR, fires=_new_address),
    Rule(name="e5_forged_stops", log=PROCESS, severity=Severity.MAJOR, fires=_forged_stops),
    Rule(name="e5_forged_journal", log=PROCESS, severity=Severity.MAJOR, fires=_forged_journal),
    Rule(name="e5_config_change", log=AUDIT, severity=Severity.MINOR, fires=_action("config.change")),
    Rule(name="e5_secret_read", log=CLOUD, severity=Severity.MAJOR, fires=_secret_read),
    Rule(name="e5_policy_change", log=CLOUD, severity=Severity.MAJOR, fires=_policy_change),
    Rule(name="e5_console_login", log=CLOUD, severity=Severity.MINOR, fires=_failed_console, many=GUESSING),
)

_TELLING = ("fatal:", "error:", "statement:", "execute ", "log:  parameter ")

_BY_LOG = {log: [rule for rule in RULES if rule.log == log] for log in (DATABASE, PROCESS, CLOUD, AUDIT)}


def sweep(lines: Iterable[LogLine], into: Sweep | None = None, most: int = MOST) -> Sweep:
    """Look through `lines`; what is found is added to `into`. Never raises for what stands in a line."""
    found = into or Sweep()
    for line in lines:
        if found.lines >= most:
            found.whole = False
            break
        found.lines += 1
        rules = _BY_LOG.get(line.log, ())
        if rules:
            _look(line, rules, found)
    return found


def _look(line: LogLine, rules: Iterable[Rule], found: Sweep) -> None:
    text = line.text[:LONGEST]
    if line.log == DATABASE and not _telling(text):
        return
    data = {"statement": statement_of(line.text)} if line.log == DATABASE else line.data
    if not data:
        data = _object(line.text)
        found.garbled += not data
    if line.log == PROCESS and str(data.get("logger", "")).startswith(_OWN_WORDS):
        return
    for rule in rules:
        if rule.fires(text, data):
            _note(found.findings.setdefault(rule.name, Finding(rule=rule)), line)


def _telling(text: str) -> bool:
    """Whether any rule over the database's log could fire: nearly all of its lines are not worth their patterns."""
    lowered = text.lower()
    return any(word in lowered for word in _TELLING)


def _object(text: str) -> Data:
    """The JSON object that the line is; nothing for any other line."""
    if len(text) > _LONGEST_OBJECT or not text.lstrip().startswith("{"):
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError):
        return {}


def _note(finding: Finding, line: LogLine) -> None:
    finding.count += 1
    finding.sample = line.text[:_SAMPLE]
    if line.at is not None:
        finding.first = line.at if finding.first is None else min(finding.first, line.at)
        finding.last = line.at if finding.last is None else max(finding.last, line.at)
