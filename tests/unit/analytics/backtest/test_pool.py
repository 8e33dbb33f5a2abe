"""A back-test that is killed leaves no process behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.product import eventually

# Its processes wait for work that never comes, as those of a killed back-test do.
_PARENT = """
import os, sys
from analytics.backtest.run import pool

if __name__ == "__main__":
    with pool(2) as processes:
        print(processes.submit(os.getpid).result(), flush=True)
        sys.stdin.read()
"""


def _runs(pid: int) -> bool:
    """A process that has ended but that nobody has asked about is none."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_the_processes_of_a_killed_back_test_end(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    root = str(Path(__file__).parents[4])
    with subprocess.Popen(
        [sys.executable, str(script)],
        cwd=root,
        env={"PYTHONPATH": root},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert _runs(worker)
        parent.kill()
    eventually(lambda: not _runs(worker), what="the process of the pool has ended")
