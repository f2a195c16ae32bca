"""Files that settings name: what cannot be read is one sentence that names the setting."""

import os

import pytest

from bot.errors import ConfigurationError
from bot.expiry.calendar import shipped_calendar
from bot.policy.rule_file import LARGEST
from bot.services.operations.config_files import read_calendar, read_config_file

RULE = '[[rule]]\nday = 2027-03-15\ncertificate_days = 9\nreuse_days = 8\nsource = "a test"\n'


def test_a_calendar_file_replaces_the_shipped_one(tmp_path):
    file = tmp_path / "validity.toml"
    file.write_text(RULE)

    assert read_calendar(None) == shipped_calendar()
    assert [rule.reuse_days for rule in read_calendar(str(file)).rule] == [8]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "can't be read (no such file or directory)"),
        (b"\xff", "isn't UTF-8 text"),
        (b"#" * (LARGEST + 1), "is larger than 256 KiB"),
        (b"[[rule]]", "rule 1: day is missing"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path, content, problem):
    file = tmp_path / "validity.toml"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ConfigurationError) as refused:
        read_calendar(str(file))

    assert refused.value.problems[0].startswith("DCV_VALIDITY_FILE: ")
    assert problem in refused.value.problems[0]


def test_a_pipe_does_not_block_the_start(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")

    with pytest.raises(ConfigurationError, match="isn't a regular file"):
        read_config_file("DCV_POLICY_FILE", str(tmp_path / "pipe.toml"))
