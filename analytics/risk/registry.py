"""The models of an installation: their folders, what each may do, and which are in use now.

A folder alone does nothing. Somebody puts it into shadow, and later activates it; each decision is about one hash, so that a
folder that changes afterwards is refused until somebody decides anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from analytics.risk import states
from analytics.risk.folder import MANIFEST, SEAL, Model, open_folder
from analytics.risk.states import StateChange
from vigil.domain.errors import ModelError
from vigil.domain.risk import ModelState
from vigil.domain.times import DAY, to_iso

#: Models that come with the program.
SHIPPED = Path(__file__).parent / "models"
FOLDER = "models"
#: Shadow run before anybody acts on a model (fairness.md section 8: two weeks).
SHADOW_US = 14 * DAY


@dataclass(frozen=True, slots=True)
class Entry:
    """``state`` None: nobody has decided yet, the model is not in use. ``problem``: why it is refused, empty when it is not."""

    name: str
    path: Path | None
    shipped: bool
    state: ModelState | None
    history: tuple[StateChange, ...]
    model: Model | None
    problem: str = ""


#: In ``Registry``, ``list`` is a method.
Entries: TypeAlias = list[Entry]
Used: TypeAlias = list[tuple[Model, ModelState]]
Texts: TypeAlias = list[str]


class Registry:
    """``data_dir``: of the installation; its models go before shipped ones of the same name."""

    def __init__(self, data_dir: Path, shipped: Path = SHIPPED) -> None:
        self._folder, self._shipped = data_dir / FOLDER, shipped
        self._opened: dict[Path, tuple[object, Model]] = {}
        #: Name of a model (or of the file of states) to why it is refused, as of the last ``in_use``.
        self.refused: dict[str, str] = {}

    def list(self) -> Entries:
        """Every model that has a folder or a history, by name. Raises ``ModelError`` when the states cannot be read."""
        history = states.read(self._folder)
        names = {path.name for root in (self._shipped, self._folder) for path in folders(root)} | history.keys()
        return [self._entry(name, history.get(name, ())) for name in sorted(names)]

    def find(self, name: str) -> Model:
        """The model, whatever its state, its hash the one that was decided on where somebody has decided. Raises
        ``ModelError``."""
        entry = self._entry(name, states.read(self._folder).get(name, ()))
        if entry.model is None:
            raise ModelError(entry.problem)
        return entry.model

    def verify(self, name: str) -> Texts:
        """What keeps the model from being activated or should be known before: refusals, gaps of the card. Empty = nothing."""
        entry = self._entry(name, states.read(self._folder).get(name, ()))
        if entry.model is None:
            return [entry.problem]
        return [f"the model card lacks {what}" for what in entry.model.card.check(entry.model.report)]

    def set_state(
        self, name: str, state: ModelState, by: str, reason: str, at: int, *, without_shadow: bool = False
    ) -> Texts:
        """Decide; gives what whoever decides should know (nobody has signed off, a short shadow run).

        ``SHADOW`` accepts the folder as it is now; ``ACTIVE`` the folder that was in shadow, or with ``without_shadow`` any.
        Raises ``ModelError`` without a name or reason, for a model that is refused, and for activating one whose card has
        gaps.
        """
        if not by.strip() or not reason.strip():
            raise ModelError(f"model {name}: say who decides and why")
        history = states.read(self._folder).get(name, ())
        warnings: Texts = []
        if state is ModelState.RETIRED:
            # Possible whatever has happened to the folder.
            if not history:
                raise ModelError(f"model {name} was never in use")
            digest = history[-1].hash
        else:
            model = self._newest(name)
            digest = model.hash
            if state is ModelState.ACTIVE:
                warnings = _may_be_active(model, history, at, without_shadow)
        states.append(self._folder, name, StateChange(state, digest, by.strip(), reason.strip(), at))
        return warnings

    def in_use(self) -> Used:
        """Models in shadow or active, by name. One that is refused is left out and named in ``refused``; never raises."""
        refused: dict[str, str] = {}
        used: Used = []
        try:
            history = states.read(self._folder)
        except ModelError as error:
            history, refused = {}, {states.FILE: str(error)}
        for name, changes in sorted(history.items()):
            if changes[-1].state is ModelState.RETIRED:
                continue
            entry = self._entry(name, changes)
            if entry.model is None:
                refused[name] = entry.problem
            else:
                used.append((entry.model, changes[-1].state))
        self.refused = refused
        return used

    def _entry(self, name: str, history: tuple[StateChange, ...]) -> Entry:
        decided = history[-1] if history else None
        state = decided.state if decided else None
        path, shipped = self._path(name, decided.hash if decided else None)
        if path is None:
            return Entry(name, None, False, state, history, None, f"model {name}: there is no such folder")
        try:
            model = self._open(path, decided.hash if decided else None)
        except ModelError as error:
            return Entry(name, path, shipped, state, history, None, f"{error}{_what_to_do(name, error)}")
        return Entry(name, path, shipped, state, history, model)

    def _newest(self, name: str) -> Model:
        path, _ = self._path(name, None)
        if path is None:
            raise ModelError(
                f"model {name}: there is no such folder in the data directory's {FOLDER}/ or among those shipped"
            )
        return self._open(path, None)

    def _path(self, name: str, digest: str | None) -> tuple[Path | None, bool]:
        """The folder with that hash, else the installation's own, else the shipped one; and whether it is shipped."""
        own, shipped = (
            next((path for path in folders(root) if path.name == name), None) for root in (self._folder, self._shipped)
        )
        if shipped is not None and (own is None or (digest is not None and _sealed(own) != digest == _sealed(shipped))):
            return shipped, True
        return own, False

    def _open(self, path: Path, digest: str | None) -> Model:
        """Opened once for as long as no file of it is touched: this is asked each minute."""
        touched = _touched(path)
        known = self._opened.get(path)
        if known is not None and known[0] == touched and digest in (None, known[1].hash):
            return known[1]
        model = open_folder(path, digest)
        self._opened[path] = (touched, model)
        return model


def folders(root: Path) -> list[Path]:
    """Only what lies in the root itself: a name never leads out of it."""
    try:
        return [path for path in sorted(root.iterdir()) if path.is_dir() and not path.name.startswith((".", "_"))]
    except OSError:
        return []


def _touched(path: Path) -> object:
    try:
        return sorted(
            (one.name, one.stat().st_mtime_ns, one.stat().st_ctime_ns, one.stat().st_size) for one in path.iterdir()
        )
    except OSError as error:
        raise ModelError(f"model {path.name} cannot be read: {error.strerror}") from error


def _sealed(path: Path) -> str:
    """The hash that the folder says it has; opening it tells whether that is true."""
    try:
        return (path / SEAL).read_text("ascii", errors="replace")[:64]
    except OSError:
        return ""


def _what_to_do(name: str, error: ModelError) -> str:
    if MANIFEST in str(error) or "hash" in str(error):
        return f"; restore the folder, or decide anew about the one that is there: vigil models shadow {name}"
    return f"; restore the folder or retire it with vigil models retire {name}"


def _may_be_active(model: Model, history: tuple[StateChange, ...], at: int, without_shadow: bool) -> list[str]:
    gaps = model.card.check(model.report)
    if gaps:
        raise ModelError(f"model {model.name} cannot be activated, its card lacks: {', '.join(gaps)}")
    since = next((one.at for one in history if one.state is ModelState.SHADOW and one.hash == model.hash), None)
    if since is None and not without_shadow:
        raise ModelError(
            f"model {model.name} {model.version} has never been in shadow: run vigil models shadow {model.name} "
            "first and compare, or say --without-shadow and why"
        )
    warnings = []
    if not model.card.approvals:
        warnings.append("its card is not signed off: nobody answers for it clinically")
    if to_iso(at)[:10] > model.card.revalidate_by:
        warnings.append(f"it was to be evaluated anew by {model.card.revalidate_by}")
    if since is None:
        warnings.append("it was never in shadow here: nobody knows how often it will call")
    elif at - since < SHADOW_US:
        warnings.append(f"it was in shadow for {(at - since) / DAY:.1f} days, two weeks are advised")
    return warnings
