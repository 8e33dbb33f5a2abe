"""Who may publish and read what on the broker: the rules, their text in mosquitto's ``acl_file`` form, and their check.

mosquitto reads the text itself; the embedded broker parses the same text with ``parse_acl``, so that both enforce one
set of rules. A device is matched by ``%u``, its user name: that is the part of a connection which the password
proves, whereas ``%c``, the client id, is whatever the client sends. The brokers also force client id = user name
(``use_username_as_clientid``), so that nobody can push another client off or take its session by naming its id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from vigil.domain.errors import BrokerError

#: The user name of the core. One connection only, because the client id equals the user name.
INGEST = "ingest"
#: The core's second line, for devices that send more than the others can wait for (``ingest/apart.py``): an account of its own,
#: because the broker keeps one queue for each.
INGEST_APART = "ingest-apart"
#: The core again, to read what the broker says of its clients (``takeovers.py``). It sees no telemetry and writes nothing.
BROKER_LOG = "broker-log"
#: Where mosquitto publishes its own lines of level "error" (``log_dest topic``); the embedded broker does the same.
LOG_TOPIC = "$SYS/broker/log/E"
#: What a device sends. ``state`` is one topic, the others are trees.
DEVICE_WRITES = ("tel/#", "evt/#", "state", "res/#")
DEVICE_READS = ("cmd/#",)


class Access(StrEnum):
    READ = "read"
    WRITE = "write"
    READWRITE = "readwrite"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Rule:
    access: Access
    topic: str  # a topic filter; in a pattern one level may be %u

    def line(self, keyword: str) -> str:
        return f"{keyword} {self.access.value} {self.topic}"


def device_rules(device: str, device_writes: Access = Access.WRITE) -> list[Rule]:
    """The rights on the topics of one device, seen from the device (or, swapped, from the core)."""
    device_reads = Access.READ if device_writes is Access.WRITE else Access.WRITE
    root = f"rpm/v1/+/d/{device}"
    return [Rule(device_writes, f"{root}/{leaf}") for leaf in DEVICE_WRITES] + [
        Rule(device_reads, f"{root}/{leaf}") for leaf in DEVICE_READS
    ]


#: Apply to every user; a device's rights need no line of its own.
DEVICE_PATTERNS = tuple(device_rules("%u"))


def telemetry_of(device: str) -> str:
    return f"rpm/v1/+/d/{device}/tel/#"


def ingest_rules(apart: Iterable[str] = ()) -> list[Rule]:
    """Reads all telemetry but that of those ``apart``, writes only commands. The first line takes away what the device pattern
    would give."""
    return [
        Rule(Access.DENY, f"rpm/v1/+/d/{INGEST}/#"),
        *(Rule(Access.DENY, telemetry_of(device)) for device in apart),
        *device_rules("+", device_writes=Access.READ),
        Rule(Access.READ, "rpm/v1/+/g/#"),
    ]


def ingest_apart_rules(apart: Iterable[str]) -> list[Rule]:
    """The rest: so each message goes to one of the two lines, whenever the list changes."""
    own = Rule(Access.DENY, f"rpm/v1/+/d/{INGEST_APART}/#")
    return [own, *(Rule(Access.READ, telemetry_of(device)) for device in apart)]


def broker_log_rules() -> list[Rule]:
    return [Rule(Access.DENY, f"rpm/v1/+/d/{BROKER_LOG}/#"), Rule(Access.READ, LOG_TOPIC)]


def gateway_rules(gateway: str, devices: Iterable[str]) -> list[Rule]:
    rules = [Rule(Access.DENY, f"rpm/v1/+/d/{gateway}/#"), Rule(Access.READWRITE, f"rpm/v1/+/g/{gateway}/#")]
    for device in devices:
        rules += device_rules(device)
    return rules


def render_acl(gateways: Mapping[str, Sequence[str]], apart: Sequence[str] = ()) -> str:
    lines = ["# Written by Vigil; do not edit. Devices: the patterns. Gateways: one block each."]
    lines += [rule.line("pattern") for rule in DEVICE_PATTERNS]
    blocks = {INGEST: ingest_rules(apart), INGEST_APART: ingest_apart_rules(apart), BROKER_LOG: broker_log_rules()}
    blocks |= {gateway: gateway_rules(gateway, devices) for gateway, devices in gateways.items()}
    for user, rules in blocks.items():
        lines += ["", f"user {user}", *(rule.line("topic") for rule in rules)]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Acl:
    """Answers as mosquitto does: a deny line first, then the user's lines, then the patterns; nothing else is allowed."""

    patterns: tuple[Rule, ...] = ()
    users: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)

    def may_write(self, user: str, topic: str) -> bool:
        return self._allows(user, topic, Access.WRITE)

    def may_read(self, user: str, topic: str) -> bool:
        return self._allows(user, topic, Access.READ)

    def may_subscribe(self, user: str, topic_filter: str) -> bool:
        """True if every topic that the filter can match is readable, apart from what a deny line takes out again.

        mosquitto accepts any subscription and filters each delivery. The embedded broker filters deliveries too, and
        refuses such a subscription as well, because a refusal (0x80) tells the developer what is wrong. The core's second line
        subscribes to all, and what it may read changes.
        """
        return user == INGEST_APART or any(covers(rule.topic, topic_filter) for rule in self._grants(user, Access.READ))

    def _allows(self, user: str, topic: str, access: Access) -> bool:
        for rule in self.users.get(user, ()):
            if rule.access is Access.DENY and matches(rule.topic, topic):
                return False
        return any(matches(rule.topic, topic) for rule in self._grants(user, access))

    def _grants(self, user: str, access: Access) -> Iterable[Rule]:
        wanted = (access, Access.READWRITE)
        yield from (rule for rule in self.users.get(user, ()) if rule.access in wanted)
        if not set(user) & {"+", "#", "/"}:
            for rule in self.patterns:
                if rule.access in wanted:
                    yield Rule(rule.access, rule.topic.replace("%u", user))


def parse_acl(text: str) -> Acl:
    """Read what ``render_acl`` wrote; ``BrokerError`` on anything else, so that a damaged file opens nothing."""
    patterns: list[Rule] = []
    users: dict[str, list[Rule]] = {}
    rules: list[Rule] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        keyword, _, rest = line.strip().partition(" ")
        if not keyword or keyword.startswith("#"):
            continue
        if keyword == "user" and rest:
            rules = users.setdefault(rest, [])
        elif keyword == "pattern":
            patterns.append(_parse_rule(rest, number))
        elif keyword == "topic" and rules is not None:
            rules.append(_parse_rule(rest, number))
        else:
            raise BrokerError(f"broker rights file, line {number}: not understood")
    return Acl(tuple(patterns), {user: tuple(found) for user, found in users.items()})


def _parse_rule(text: str, number: int) -> Rule:
    access, _, topic = text.partition(" ")
    if access not in set(Access) or not topic:
        raise BrokerError(f"broker rights file, line {number}: expected read|write|readwrite|deny and a topic")
    return Rule(Access(access), topic)


def matches(topic_filter: str, topic: str) -> bool:
    """MQTT 3.1.1 section 4.7: ``+`` is one level, ``#`` the rest and its parent; no wildcard matches a leading ``$``.

    >>> matches("a/+/c/#", "a/b/c"), matches("a/+", "a/b/c"), matches("#", "$SYS/x")
    (True, False, False)
    """
    if topic.startswith("$") and topic_filter[:1] in ("+", "#"):
        return False
    return covers(topic_filter, topic)


def covers(wide: str, narrow: str) -> bool:
    """True if ``wide`` matches every topic that ``narrow`` can match; both are filters, or ``narrow`` is a topic.

    >>> covers("a/#", "a/+/c"), covers("a/+", "a/#"), covers("a/b", "a/+")
    (True, False, False)
    """
    wide_levels, narrow_levels = wide.split("/"), narrow.split("/")
    for index, level in enumerate(wide_levels):
        if level == "#":
            return True
        if index >= len(narrow_levels) or narrow_levels[index] == "#":
            return False
        if level not in ("+", narrow_levels[index]):
            return False
    return len(wide_levels) == len(narrow_levels)
