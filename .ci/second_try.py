"""May what failed be tried again? Only a few tests that run whole servers may; each is named, so that it is mended."""

import json
import sys
from pathlib import Path

WHOLE = ("tests/browser/", "tests/deploy/", "tests/e2e/")
AT_MOST = 4


def main(kept: Path) -> str:
    """What pytest keeps in ``kept`` of its last run; an empty text = yes, else why not."""
    failed = sorted(json.loads(kept.read_text())) if kept.exists() else []
    others = [each for each in failed if not each.startswith(WHOLE)]
    if others or not 1 <= len(failed) <= AT_MOST:
        return f"No second try: {len(failed)} failed, {len(others)} of them outside {', '.join(WHOLE)}"
    print("Failed once, tried again now. Mend these:", *failed, sep="\n  ", flush=True)
    return ""


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])) or 0)
