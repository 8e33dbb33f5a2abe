"""A process that spools lines and says each number once it is safe. Killed by its test."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.unit.gateway.lines import new, opened
from vigil.runtime.clock import SystemClock


def main(path: Path, first: int) -> None:
    spool = opened(path, SystemClock())
    number = first
    while True:
        accepted = spool.accept([new(number + k, f"w-{k % 2}") for k in range(4)])
        for k, one in enumerate(accepted):
            sys.stdout.write(f"w-{k % 2} {one.seq}\n")
        sys.stdout.flush()
        number += 4


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
