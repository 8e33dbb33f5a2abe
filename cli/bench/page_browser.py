"""Chromium as a nurse's computer has it, and what it counts of a page: script, heap, nodes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vigil.domain.errors import ConfigError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page, ViewportSize

#: Seconds between two looks at the heap, which is collected before; what comes with the opening is over after the first.
_HEAP_S = 10.0
#: Microseconds between two looks of Chromium's profiler at what runs.
_SAMPLE_US = 500
#: What the profiler names when none of the page's script runs; collecting what nobody needs counts as script.
_NOT_SCRIPT = frozenset({"(root)", "(program)", "(idle)"})
_SCREEN: ViewportSize = {"width": 1440, "height": 900}
_OPENED_MS = 60_000
_SOMEBODY = ".tile .l1, .row .who"
#: The first frame in which somebody's name can be read, in milliseconds since the address was entered. It looks in each frame,
#: also where nobody will ever be read: not for pages whose script is counted.
_WATCH = f"""globalThis.useful = new Promise(resolve => {{
  const look = () => {{
    if (document.querySelector('{_SOMEBODY}')) requestAnimationFrame(() => resolve(performance.now()));
    else requestAnimationFrame(look);
  }};
  look();
}});"""
#: Counts the ticks that the stream brings.
_COUNT = """async () => {
  const { effect } = await import('/page/html.js');
  const { link } = await import('/page/stream.js');
  globalThis.ticks = 0;
  let before = link.peek().lastAt;
  effect(() => {
    const { lastAt } = link.value;
    if (lastAt - before > 500) globalThis.ticks += 1;
    before = lastAt;
  });
}"""


@dataclass(frozen=True, slots=True)
class Opened:
    """``useful_ms``: until a patient could be seen; ``octets``: of everything that was read until then."""

    useful_ms: float
    octets: int


@dataclass(frozen=True, slots=True)
class Looked:
    """Milliseconds of script in a tick (half of the ticks, the worst one), CPU time of the page's thread a second in ms; heap in
    MB after it was collected, its growth a minute; nodes of the document."""

    view: str
    seconds: float
    ticks: int
    script_ms: float
    worst_ms: float
    task_ms: float
    heap_mb: float
    heap_mb_min: float
    nodes: int
    most_nodes: int


@contextmanager
def browser() -> Iterator[Browser]:
    """Raises ``ConfigError`` where Chromium or the library that drives it is missing."""
    try:
        from playwright.sync_api import sync_playwright  # not a dependency of the product
    except ImportError as error:
        raise ConfigError("this measurement needs playwright: pip install playwright") from error
    program = shutil.which("chromium")
    if program is None:
        raise ConfigError("this measurement needs chromium on the PATH")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@contextmanager
def page_of(running: Browser, access: str, before: str = "") -> Iterator[Page]:
    """A page of somebody who has logged in, in a browser that remembers nothing else. ``before``: script that runs first."""
    context = running.new_context(viewport=_SCREEN, locale="en-GB", timezone_id="Europe/London")
    kept = json.dumps({"token": access, "role": "nurse", "name": "bench", "expiresAt": "2999-01-01T00:00:00Z"})
    page = context.new_page()
    page.add_init_script(f"sessionStorage.setItem('vigil.session', {json.dumps(kept)}); {before}")
    try:
        yield page
    finally:
        context.close()


def opened(running: Browser, url: str, access: str) -> Opened:
    with page_of(running, access, _WATCH) as page:
        octets = [0]
        counted = page.context.new_cdp_session(page)
        counted.send("Network.enable")
        counted.on(
            "Network.dataReceived", lambda event: _add(octets, event["encodedDataLength"] or event["dataLength"])
        )
        page.goto(f"{url}/#/ward")
        page.wait_for_selector(_SOMEBODY, timeout=_OPENED_MS)
        return Opened(float(page.evaluate("globalThis.useful")), octets[0])


def _add(total: list[int], size: int) -> None:
    total[0] += size


def look(
    running: Browser, url: str, access: str, view: str, patient: str, seconds: float, sleep: Callable[[float], None]
) -> Looked:
    """The script for so long, and then for so long the heap, which is collected at each look: that is work too. ``view``: a name
    of the address, with `` as table`` for the board's other form."""
    place, _, form = view.partition(" as ")
    with page_of(running, access) as page:
        page.goto(f"{url}/#/{f'patient/{patient}' if place == 'patient' else place}")
        page.wait_for_selector(".strip .data time", timeout=_OPENED_MS)
        if form:
            page.evaluate(
                "form => import('/page/preferences.js').then(choices => choices.prefer({ board: form }))", form
            )
        page.wait_for_selector({"ward": ".tile .l1, .ward-row .coverage", "patient": "canvas"}.get(place, "main"))
        page.evaluate(_COUNT)
        counter = page.context.new_cdp_session(page)
        counter.send("Performance.enable", {"timeDomain": "threadTicks"})  # other processes are not counted
        return _counted(view, page, counter, seconds, sleep)


def _counted(view: str, page: Page, counter: CDPSession, seconds: float, sleep: Callable[[float], None]) -> Looked:
    sleep(_HEAP_S)
    counter.send("Profiler.enable")
    counter.send("Profiler.setSamplingInterval", {"interval": _SAMPLE_US})
    before, ticks = _metrics(counter), int(page.evaluate("globalThis.ticks"))
    counter.send("Profiler.start")
    sleep(seconds)
    script = script_each_second(counter.send("Profiler.stop")["profile"])
    after, ticks = _metrics(counter), int(page.evaluate("globalThis.ticks")) - ticks
    lasted = after["Timestamp"] - before["Timestamp"]
    heap, nodes = [_heap(counter)], [int(before["Nodes"]), int(after["Nodes"])]
    while heap[-1][0] - heap[0][0] < seconds:
        sleep(min(_HEAP_S, seconds))
        heap.append(_heap(counter))
        nodes.append(int(_metrics(counter)["Nodes"]))
    times, sizes = np.array(heap).T
    return Looked(
        view,
        lasted,
        ticks,
        float(np.median(script)),
        float(script.max()),
        (after["TaskDuration"] - before["TaskDuration"]) / lasted * 1e3,
        float(sizes[-1]),
        float(np.polyfit(times / 60, sizes, 1)[0]),
        nodes[0],
        max(nodes),
    )


def script_each_second(profile: dict[str, Any]) -> NDArray[np.float64]:
    """Milliseconds in which script ran, for each whole second of a profile as Chromium gives it: a tick is one a second."""
    plain = {one["id"] for one in profile["nodes"] if one["callFrame"]["functionName"] in _NOT_SCRIPT}
    lasted = np.array(profile["timeDeltas"][1:], np.float64)  # each sample lasts until the next
    ran = np.array([one not in plain for one in profile["samples"][:-1]])
    second = (np.cumsum(lasted) - lasted) // 1e6
    sums = np.bincount(second.astype(np.int64), np.where(ran, lasted, 0.0))
    return sums[: max(1, sums.size - 1)] / 1e3


def _metrics(counter: CDPSession) -> dict[str, float]:
    answer: dict[str, Any] = counter.send("Performance.getMetrics")
    return {one["name"]: float(one["value"]) for one in answer["metrics"]}


def _heap(counter: CDPSession) -> tuple[float, float]:
    """When, in seconds, and MB that are in use once what nobody needs is gone."""
    counter.send("HeapProfiler.collectGarbage")
    found = _metrics(counter)
    return found["Timestamp"], found["JSHeapUsedSize"] / 1e6
