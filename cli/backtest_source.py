"""What ``vigil backtest`` reads: readings from a table or from the store of a stopped Vigil, and policies by file or name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analytics.backtest.run import Source
from analytics.finding_alerts import finding_names
from analytics.lab.baseline import RAW
from analytics.lab.lab import Tried
from analytics.lab.labels import Event, Labels, read_labels
from cli.records import records_url
from simulators.export import START_US
from simulators.replay.sepsis2019 import onsets
from vigil.domain.errors import ConfigError, InvalidInput, PolicyError
from vigil.domain.policy import BEDSIDE_POLICY, DEFAULT_POLICY, Policy
from vigil.domain.policy_file import parse_policy
from vigil.domain.times import HOUR, from_iso
from vigil.runtime.config import Settings
from vigil.runtime.keys import load_keys
from vigil.store.records.store import SqlRecordStore

STORE, DEFAULT = "store", "default"
#: Policies that need no file.
NAMED = {DEFAULT: DEFAULT_POLICY, "bedside": BEDSIDE_POLICY}

#: By patient, their own policies.
Own = dict[str, Policy]


def tried(names: Sequence[str]) -> list[Tried]:
    """The policies of these files and names; the raw baseline is no policy and judged anyway. ``ConfigError`` for a file that is
    not there, ``PolicyError`` for one that is no policy, ``InvalidInput`` for two of one name."""
    found = [
        Tried(name, NAMED[name]) if name in NAMED else Tried(Path(name).stem, _policy(Path(name)))
        for name in dict.fromkeys(names)
        if name != RAW
    ]
    named = [each.name for each in found]
    if len(set(named)) < len(named) or any(name in ("sound", "faulty") for name in named):
        raise InvalidInput("results lie in a folder of each policy's name: give the files different names")
    return found


def _policy(path: Path) -> Policy:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    return parse_policy(text, path.name, frozenset(finding_names()))


def moment(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return from_iso(text)
    except ValueError as error:
        raise InvalidInput(f"{option}: {error}") from error


def labels_of(path: Path | None, name: str) -> Labels:
    """Of a ``labels.json``, or of the folder of Sepsis 2019 for its table; without a path nothing is known. ``TableError`` or
    ``ScenarioError`` for what is neither."""
    if path is None:
        return Labels(name)
    if not path.is_dir():
        return read_labels(path)
    events = tuple(
        Event(
            event_id=each.device_id,
            patient=each.device_id,
            scenario="sepsis onset within 6 h in intensive care",
            onset=START_US + each.label_h * HOUR,
            critical_at=START_US + each.onset_h * HOUR,
            late_start=each.at_start,
        )
        for each in onsets(path)
    )
    return Labels(f"{name}: Sepsis 2019, set A, hourly charts of intensive care", events)


def of_table(path: Path, wanted: tuple[str, ...] | None, start: int | None, end: int | None, *, strict: bool) -> Source:
    if not path.is_file():
        raise ConfigError(f"there is no file {path}")
    return Source(path, patients=wanted, first=start, last=end, strict=strict)


def of_installation(
    chosen: Settings, wanted: tuple[str, ...] | None, start: int | None, end: int | None
) -> tuple[Source, Own]:
    """The readings of a Vigil that is not running, with its people and their policies."""
    data_dir = chosen.data_dir
    path = data_dir / "readings.duckdb"
    if not path.is_file():
        raise ConfigError(f"there is no Vigil in {data_dir}: name --data-dir")
    key = load_keys(data_dir).record_key.encode()
    records = SqlRecordStore(records_url(chosen), key)
    try:
        people = tuple(records.patients(include_discharged=True))
        own = {each.patient_id: found for each in people if (found := records.policy(each.patient_id)) is not None}
        bindings = tuple(records.bindings())
    finally:
        records.close()
    return Source(path, True, people, bindings, wanted, start, end), own


def without_schedules(own: Own) -> Own:
    """``own``, or ``PolicyError``: a back-test has no time of day, and would judge the nights by the limits of the day."""
    scheduled = sum(bool(policy.schedules) for policy in own.values())
    if scheduled:
        raise PolicyError([f"the policies of {scheduled} patients change with the time of day: name one with --policy"])
    return own
