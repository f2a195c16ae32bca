"""README and `.env.example` name every setting, and no other."""

import re
from pathlib import Path

from bot.settings import Settings

ROOT = Path(__file__).parents[1]


def test_every_setting_has_its_row_and_each_row_its_setting():
    """In README, and in .env.example, which leaves out what is for the local Slack alone."""
    settings = {name.upper() for name in Settings.model_fields}
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Settings")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \|", table, re.MULTILINE)
    example = re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)

    assert {name for row in rows for name in re.findall(r"[A-Z_]+", row)} == settings
    assert set(example) == settings - {"SLACK_API_URL"}
