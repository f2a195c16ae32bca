"""The author of a message in Slack's payload: apps, webhooks, people, and unclear cases."""

import pytest

from bot.parsing.message_authors import SLACKBOT, Author, read_author

HOME = "T0HOME"
EMAIL = [{"filetype": "email", "subject": "Order 700001"}]


@pytest.mark.parametrize(
    ("message", "author"),
    [
        ({"user": "U0ANA", "team": HOME, "client_msg_id": "1"}, Author(None, "U0ANA")),
        ({"user": "W0ANA", "bot_id": None}, Author(None, "W0ANA")),
        # An app, an app of the old kind, and a webhook. The first may as well speak for a person.
        ({"user": "U0MON", "bot_id": "B0MON", "app_id": "A0MON", "team": HOME}, Author("B0MON", "U0MON")),
        ({"subtype": "bot_message", "bot_id": "B0MON", "username": "mon"}, Author("B0MON")),
        ({"subtype": "bot_message", "bot_id": "B0MON", "user": None}, Author("B0MON")),
        ({"subtype": "bot_message", "bot_id": "B0MON", "user": ""}, Author("B0MON")),
        ({"subtype": "bot_message", "bot_id": "B0MON", "user": "U0ANA"}, Author("B0MON", "U0ANA")),
        ({"subtype": "file_share", "user": "U0ANA", "files": EMAIL}, Author(None, "U0ANA")),
        # Slackbot repeats reminders of anyone, and posts mail to the channel's address.
        ({"user": SLACKBOT, "bot_id": "B01", "text": "Reminder: order 700001"}, None),
        ({"user": SLACKBOT, "files": [{"filetype": "png"}, "x"]}, None),
        ({"user": SLACKBOT, "files": {"filetype": "email"}}, None),
        ({"user": SLACKBOT, "subtype": "file_share", "files": EMAIL}, Author(SLACKBOT)),
        ({"user": SLACKBOT, "files": [{"mode": "email", "title": "Order 700001"}]}, Author(SLACKBOT)),
        ({}, None),
        ({"subtype": "bot_message", "username": "mon"}, None),
        ({"user": ["U0ANA"]}, None),
        ({"user": {}, "bot_id": "B0MON"}, None),
        ({"user": "U0ANA", "bot_id": []}, None),
        ({"user": "U0ANA", "bot_id": 0}, None),
        ({"user": "nobody"}, None),
        ({"user": "U" + "0" * 40}, None),
        ({"bot_id": "B" + "0" * 40}, None),
        ({"bot_id": "b0mon"}, None),
        # Slack Connect: the author or the channel belongs to another organization.
        ({"user": "U0ANA", "user_team": "T0OTHER", "source_team": "T0OTHER"}, None),
        ({"user": "U0MON", "bot_id": "B0MON", "team": "T0OTHER"}, None),
        ({"bot_id": "B0MON", "source_team": ["T0HOME"]}, None),
        ({"user": "U0ANA", "user_team": HOME, "source_team": HOME, "team": ""}, Author(None, "U0ANA")),
    ],
)
def test_the_author_of_a_message(message, author):
    assert read_author(message, HOME) == author


def test_on_enterprise_grid_sister_workspaces_have_unknown_ids():
    assert read_author({"user": "U0SAM", "team": "T0SISTER"}, None) == Author(None, "U0SAM")
