"""A process that spools lines and says which line is safe in which pack. Killed by its test.

Those of w-1 are history, which goes into packs of many lines.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.unit.gateway.lines import new, opened
from vigil.runtime.clock import SystemClock


def main(path: Path, first: int) -> None:
    spool = opened(path, SystemClock())
    number = first
    while True:
        accepted = spool.accept([new(number + k, f"w-{k % 2}", backfill=bool(k % 2)) for k in range(4)])
        for k, one in enumerate(accepted):
            sys.stdout.write(f"w-{k % 2} {number + k} {one.seq}\n")
        sys.stdout.flush()
        number += 4


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
