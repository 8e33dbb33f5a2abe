"""The catalogue is complete in both languages, and the page uses nothing that is not in it."""

from __future__ import annotations

import re

from tests.unit.web.page import own_scripts, strings

HOLE = re.compile(r"\{(\w+)\}")


def forms(entry: object) -> list[str]:
    if isinstance(entry, dict):
        assert set(entry) == {"one", "other"}
        return list(entry.values())
    assert isinstance(entry, str)
    return [entry]


def test_each_sentence_has_both_languages_and_the_same_holes() -> None:
    for key, entry in strings().items():
        assert len(entry) == 2, key
        english, chinese = (forms(each) for each in entry)
        holes = [set(HOLE.findall(text)) for text in english + chinese]
        assert all(text.strip() for text in english + chinese), key
        assert all(found == holes[0] for found in holes), key


def test_chinese_is_chinese() -> None:
    same = {
        "score.news2",
        "card.by_vigil",
        "say.alert",
        "feedback.said",
        "list.comma",
        "list.then",
        "list.stop",
    }  # names, and sentences of holes only
    for key, (_, chinese) in strings().items():
        if key not in same:
            assert all(re.search(r"[\u4e00-\u9fff]", text) for text in forms(chinese)), key


def used() -> tuple[set[str], set[str]]:
    """Keys named whole in the scripts, and prefixes of keys that are put together."""
    text = "\n".join(text for name, text in own_scripts().items() if name != "strings.js")
    keys = set(re.findall(r"""["`]([a-z]+\.[a-z0-9_]+)["`]""", text))
    prefixes = set(re.findall(r"`([a-z]+\.)\$\{", text))
    return keys, prefixes


def test_every_key_the_page_asks_for_is_there() -> None:
    catalogue = strings()
    groups = {key.split(".")[0] for key in catalogue}
    keys, prefixes = used()
    assert {key for key in keys if key.split(".")[0] in groups and key not in catalogue} == set()
    assert all(any(key.startswith(prefix) for key in catalogue) for prefix in prefixes)


def test_no_sentence_is_left_over() -> None:
    keys, prefixes = used()
    assert {key for key in strings() if key not in keys and not key.startswith(tuple(prefixes))} == set()


def test_no_please_and_no_exclamation_marks() -> None:
    for key, (english, _) in strings().items():
        for text in forms(english):
            assert "!" not in text, key
            assert "please" not in text.lower(), key
