"""The firmware maker's page is true: its tables come from the code, its examples decode."""

import re
from pathlib import Path

from vigil.domain.errors import REASON_TEXT
from vigil.domain.vitals import VITALS
from vigil.wire import packs

PAGE = Path(__file__).parents[2] / "docs" / "firmware.md"


def vitals_table() -> str:
    rows = ["| name | what | unit (`u`) | accepted |", "|---|---|---|---|"]
    for kind in VITALS:
        accepted = "one of A C V P U, as `vs`" if kind.codes else f"{kind.reject[0]:g} to {kind.reject[1]:g}"
        unit = f"`{kind.senml_unit}`{', must be sent' if kind.unit_required else ''}" if kind.senml_unit else "none"
        rows.append(f"| `{kind.wire}` | {kind.title.lower()} | {unit} | {accepted} |")
    return "\n".join(rows)


def reasons_table() -> str:
    return "\n".join(
        ["| reason | means |", "|---|---|", *(f"| `{r.value}` | {text} |" for r, text in REASON_TEXT.items())]
    )


def test_the_tables_are_those_of_the_code() -> None:
    text = PAGE.read_text("utf-8")
    assert vitals_table() in text
    assert reasons_table() in text


def test_the_example_decodes_to_what_it_says() -> None:
    (example,) = re.findall(r"```json\n(.*?)\n```", PAGE.read_text("utf-8"), re.DOTALL)
    pack = packs.read(example.encode(), "w-0a1b2c3d")
    assert (pack.epoch, pack.seq, pack.value, pack.refused) == (7, 0, [72, 97, 36.8], [])
