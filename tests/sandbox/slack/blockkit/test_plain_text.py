"""The visible text of blocks."""

import pytest

from sandbox.slack.blockkit.plain_text import attachment_lines, render_mrkdwn, visible_text


@pytest.mark.parametrize(
    ("mrkdwn", "read"),
    [
        ("*bold* _slanted_ ~gone~ `code`", "bold slanted gone code"),
        ("*.example.com and *.shop.org", "*.example.com and *.shop.org"),
        ("dcv_resend_message", "dcv_resend_message"),
        ("a &lt;b&gt; &amp; c &amp;lt;", "a <b> & c &lt;"),
        ("see <https://x.org/a|the order> or <https://x.org>", "see the order or https://x.org"),
        ("<@U1> in <#C1|pki>", "<@U1> in #pki"),
        ("<!date^1|2026-01-02 03:04 UTC>", "2026-01-02 03:04 UTC"),
        ("<!channel>", "@channel"),
    ],
)
def test_mrkdwn_reads_as_plain_text(mrkdwn: str, read: str) -> None:
    assert render_mrkdwn(mrkdwn) == read


def test_rich_text_reads_as_lines() -> None:
    elements = [
        {"type": "text", "text": "sent to "},
        {"type": "user", "user_id": "U1"},
        {"type": "text", "text": " "},
        {"type": "link", "url": "https://x.org", "text": "order"},
        {"type": "emoji", "name": "tada"},
        {"type": "usergroup", "usergroup_id": "S1"},
        {"type": "broadcast", "range": "here"},
        {"type": "date", "timestamp": 1_700_000_000, "format": "{date}", "fallback": " Nov 14"},
    ]
    section = {"type": "rich_text_section", "elements": elements}

    assert visible_text([{"type": "rich_text", "elements": [section, section]}]) == "\n".join(
        ["sent to <@U1> order:tada:@S1@here Nov 14"] * 2
    )


def test_a_confirmation_is_not_shown_before_it_is_asked() -> None:
    button = {
        "type": "button",
        "text": {"type": "plain_text", "text": "Send again"},
        "confirm": {"title": {"type": "plain_text", "text": "Sure?"}},
    }

    assert visible_text([{"type": "actions", "elements": [button]}]) == "Send again"


def test_plain_text_is_left_as_it_is() -> None:
    assert (
        visible_text([{"type": "header", "text": {"type": "plain_text", "text": "*not bold* &lt;"}}])
        == "*not bold* &lt;"
    )


def test_a_fallback_is_read_only_if_nothing_else_is() -> None:
    assert attachment_lines([{"fallback": "short", "text": "long"}, {"fallback": "short"}]) == ["long", "short"]
