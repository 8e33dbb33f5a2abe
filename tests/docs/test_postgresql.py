"""The statements and commands of docs/postgresql.md, as they stand there."""

from __future__ import annotations

import re
import subprocess
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.conformance.stores.factories import KEY
from tests.conformance.stores.given import opened, patient
from tests.servers.postgres import Postgres, programs
from vigil.store.records import SqlRecordStore
from vigil.store.records import postgresql as server_words
from vigil.store.records.server import look

PAGE = (Path(__file__).parents[2] / "docs" / "postgresql.md").read_text("utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def set_up(server: Postgres, name: str) -> str:
    """As the page says, with another name than ``vigil``, which is the administrator of the tests' server."""
    (text,) = blocks("sql")
    for statement in text.replace("vigil", name).strip().split(";\n"):
        server.execute(statement.rstrip(";"))
    return f"postgresql://{name}:a%20long%20one@127.0.0.1:{server.port}/{name}"


@pytest.mark.postgresql
def test_what_the_page_sets_up_works_and_is_saved_and_restored(postgres: Postgres, tmp_path: Path) -> None:
    url, new = set_up(postgres, "ward"), set_up(postgres, "ward_again")
    assert look(url).sorted_by_letter
    with closing(SqlRecordStore(url, KEY)) as store:
        store.add_patient(patient())
        line = store.record(opened())
    dump, restore = blocks("sh")
    run(dump, url, tmp_path)
    run(restore, new, tmp_path)
    with closing(SqlRecordStore(new, KEY)) as store:
        assert store.patients() == [patient()]
        assert store.transitions() == [line]
        assert store.last_seq() == 1
    with psycopg.connect(new) as con, pytest.raises(psycopg.errors.RaiseException, match="only grows"):
        con.execute("TRUNCATE audit_log")


def run(command: str, url: str, folder: Path) -> None:
    (folder / "records.url").write_text(url)
    path = {"PATH": f"{programs()}:/usr/bin:/bin"}
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_message_that_the_page_explains_is_one_of_ours() -> None:
    said = Path(str(server_words.__file__)).read_text("utf-8")
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", PAGE, re.MULTILINE)[1:]
    assert len(rows) == 10
    for row in rows:
        for words in row.split(", ") if row.startswith("do not agree") else [row]:
            assert words in said, words
