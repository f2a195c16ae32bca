"""The report of `make red`: which tests of a fault fail on older code, and which prove nothing."""

from pathlib import Path

from tests.red import marked_files, sorted_by_row

FILE = "tests/bot/test_it.py"


def event(row: str, outcome: str, words: str = "", test: str = "test_a", when: str = "call") -> dict[str, object]:
    return {"rows": [row], "test": f"{FILE}::{test}", "outcome": outcome, "when": when, "words": words}


def test_a_row_is_red_where_one_of_its_tests_fails():
    rows = sorted_by_row([event("A1", "failed", "AssertionError: no"), event("A1", "passed", test="test_b")], {})

    assert rows["A1"].is_red
    assert str(rows["A1"]) == "  2 tests,   1 red, 1 PASS"


def test_a_row_whose_tests_all_pass_is_not():
    rows = sorted_by_row([event("A1", "passed")], {})

    assert not rows["A1"].is_red
    assert str(rows["A1"]).endswith("NO RED TEST")


def test_a_test_that_fails_as_it_is_torn_down_does_not_count_as_passed():
    rows = sorted_by_row([event("A1", "passed"), event("A1", "failed", "RuntimeError: late")], {})

    assert (len(rows["A1"].failed), len(rows["A1"].passed)) == (1, 0)


def test_failures_that_say_little_of_the_code_are_counted_as_such():
    lacks = event("A1", "failed", "TypeError: got an unexpected keyword argument 'seconds'")
    rows = sorted_by_row([lacks, event("A1", "failed", "RuntimeError: no", test="test_b", when="setup")], {})

    assert str(rows["A1"]) == "  2 tests,   2 red, 2 of them in set-up or for want of a name"


def test_files_that_cannot_be_collected_count_for_the_rows_that_they_name():
    marked = {FILE: {"A1", "A2"}, "tests/bot/other/test_it.py": {"A3"}, "tests/e2e/test_it.py": {"A4"}}

    rows = sorted_by_row([{"unread": FILE, "words": ""}, {"unread": "tests/bot/other", "words": ""}], marked)

    assert {name: row.is_red for name, row in rows.items()} == {"A1": True, "A2": True, "A3": True}
    assert str(rows["A1"]).endswith(f"not collected: {FILE}")


def test_rows_are_found_in_the_markers_of_a_file(tmp_path: Path):
    marks = "import pytest\npytestmark = pytest.mark.fault('A1', 'A2')\n\n@pytest.mark.fault('A3')\ndef test_a(): ...\n"
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(marks)

    assert marked_files(tmp_path / "tests") == {"tests/test_it.py": {"A1", "A2", "A3"}}
