"""Alerts of other apps, in the formats of real ones, about the orders of the demo."""

from dataclasses import dataclass, field

from sandbox.json_types import Json
from sandbox.slack import Channel, Message, Slack


@dataclass(frozen=True)
class SampleAlert:
    """One alert. A `classic` one has no user, as with old webhooks."""

    app: str
    about: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    classic: bool = False

    def post(self, slack: Slack, channel: Channel) -> Message:
        """Post the alert as its app."""
        content = {"blocks": self.blocks, "attachments": self.attachments}
        return slack.post_alert(channel, self.app, self.text, classic=self.classic, **content)


def _field(title: str, value: str, *, short: bool = True) -> Json:
    return {"title": title, "value": value, "short": short}


def _mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def _link_button(label: str, url: str) -> Json:
    return {"type": "button", "action_id": label.lower().replace(" ", "_"), "text": _plain(label), "url": url}


def _words(text: str, **style: bool) -> Json:
    return {"type": "text", "text": text} | ({"style": style} if style else {})


def _line(*elements: Json) -> Json:
    return {"type": "rich_text_section", "elements": list(elements)}


ALERTMANAGER = SampleAlert(
    "Alertmanager",
    "pending validation, with fields",
    attachments=[
        {
            "color": "danger",
            "fallback": "[FIRING:1] OrderAwaitsValidation (shop.example.com, order 700001)",
            "title": "[FIRING:1] OrderAwaitsValidation (shop.example.com, order 700001)",
            "title_link": "http://alertmanager.example.net:9093/#/alerts",
            "text": "*Alert:* order 700001 is still waiting for domain validation - `critical`\n"
            "*Description:* No one has approved the emails for `shop.example.com` and `example.net` for 5 hours.\n"
            "*Details:*\n • *severity:* `critical`\n • *team:* `storefront`",
            "fields": [_field("order_id", "700001"), _field("domain", "shop.example.com")],
            "mrkdwn_in": ["text", "fallback", "pretext"],
        }
    ],
)
GRAFANA = SampleAlert(
    "Grafana",
    "a rule fires, with footer and time",
    attachments=[
        {
            "color": "#D63232",
            "fallback": "[FIRING:1] Certificate not issued (api.example.net)",
            "title": "[FIRING:1] Certificate not issued (api.example.net)",
            "title_link": "http://grafana.example.net/alerting/list",
            "text": "**Firing**\n\nValue: days_waiting=1\nLabels:\n - alertname = Certificate not issued\n"
            " - domain = api.example.net\nAnnotations:\n - summary = Order 700002 has waited since yesterday\n",
            "footer": "Grafana",
            "ts": 1_795_323_694,
        }
    ],
)
# Blocks inside an attachment: the message itself has only a text.
UPTIME_KUMA = SampleAlert(
    "Uptime Kuma",
    "blocks inside an attachment",
    "[pay.example.org] [🔴 Down] the certificate runs out in 3 days",
    attachments=[
        {
            "color": "#e01e5a",
            "blocks": [
                {"type": "header", "text": _plain("pay.example.org")},
                {"type": "context", "elements": [_mrkdwn("_Payments_ · checked every 5 minutes")]},
                {
                    "type": "section",
                    "fields": [
                        _mrkdwn("*Message*\nThe certificate runs out in 3 days (order 700007)"),
                        _mrkdwn("*Time (UTC)*\n<!date^1795323694^{date_num} {time_secs}|2026-11-22 05:01:34>"),
                    ],
                },
                {
                    "type": "actions",
                    "elements": [
                        _link_button("Visit Uptime Kuma", "https://kuma.example.net/dashboard/7"),
                        _link_button("Visit site", "https://pay.example.org/health"),
                    ],
                },
            ],
        }
    ],
)
GATUS = SampleAlert(
    "Gatus",
    "a failed condition",
    attachments=[
        {
            "title": ":helmet_with_white_cross: Gatus",
            "text": "An alert for *shops/shop.example.com* was set off after 3 failures in a row:\n"
            "> the certificate ends soon (order 700001)",
            "color": "#DD0000",
            "fields": [
                _field(
                    "Condition results",
                    ":x: - `[CERTIFICATE_EXPIRATION] (118h) > 240h`\n:white_check_mark: - `[STATUS] == 200`",
                    short=False,
                )
            ],
        }
    ],
)
HEALTHCHECKS = SampleAlert(
    "Healthchecks.io",
    "a job is late, as an old webhook",
    classic=True,
    attachments=[
        {
            "color": "danger",
            "fallback": 'The check "renew new.example.com" is DOWN.',
            "title": "“renew new.example.com” is DOWN.",
            "title_link": "https://healthchecks.example.net/checks/1",
            "text": "Reason: no success signal in time.",
            "mrkdwn_in": ["fields"],
            "fields": [
                _field("Project", "certs"),
                _field("Tags", "`prod` `digicert`"),
                _field("Period", "1 day"),
                _field("Last Ping", "Success, 1 day ago"),
                _field("Last Ping Body", "```\norder 700003 needs approval: new.example.com\n```", short=False),
            ],
        }
    ],
)
# Only text, so the bot must find names without any structure.
ACME = SampleAlert(
    "acme",
    "plain text, as an old webhook",
    "*Renewal failed*\nThese names could not be renewed:\n  shop.example.com\n  *.example.net",
    classic=True,
)
LEMUR = SampleAlert(
    "Lemur",
    "several attachments",
    "Certificates expiring soon",
    attachments=[
        {
            "title": f"{name}-DigiCertInc-20260610-{ends}",
            "title_link": f"https://lemur.example.net/#/certificates/{name}",
            "color": colour,
            "fallback": "",
            "fields": [_field("Owner", owner), _field("Expires", day), _field("Endpoints", endpoints)],
        }
        for name, ends, colour, owner, day, endpoints in (
            ("shop.example.com", "20261201", "danger", "storefront@example.com", "Tuesday, 1 December", "2"),
            ("WILDCARD.example.net", "20261220", "warning", "network@example.com", "Sunday, 20 December", "11"),
        )
    ],
)
# Legacy `actions` instead of blocks.
PAGERDUTY = SampleAlert(
    "PagerDuty",
    "legacy buttons",
    classic=True,
    attachments=[
        {
            "color": "FF0000",
            "fallback": "Incident #812 triggered",
            "title": "Incident #812 triggered",
            "text": "Order 700008 is waiting for *.example.net",
            "footer": "PKI on call",
            "actions": [
                {"name": "ack", "text": "Acknowledge", "type": "button", "value": "ack"},
                {"name": "resolve", "text": "Resolve", "type": "button", "style": "primary", "value": "resolve"},
            ],
        }
    ],
)
REPORT = SampleAlert(
    "Cert Inventory",
    "a morning report: lists, code and a table",
    "Morning report: 3 orders wait for validation",
    blocks=[
        {"type": "header", "text": _plain("Morning report")},
        {
            "type": "rich_text",
            "elements": [
                _line(_words("Three orders wait "), _words("longer than a day", bold=True), _words(". To do:")),
                {
                    "type": "rich_text_list",
                    "style": "ordered",
                    "elements": [
                        _line(_words("approve the email for "), _words("corp.example.com", code=True)),
                        _line(_words("ask "), {"type": "broadcast", "range": "here"}, _words(" who owns 700006")),
                    ],
                },
                {"type": "rich_text_preformatted", "elements": [_words("$ inventory waiting --days 1\n3 orders")]},
                {"type": "rich_text_quote", "elements": [_words("Validation emails are valid for 30 days.")]},
            ],
        },
        {
            "type": "table",
            "column_settings": [{"align": "left"}, {"align": "left"}, {"align": "right"}],
            "rows": [
                [{"type": "raw_text", "text": text} for text in row]
                for row in (
                    ("Order", "Name", "Days"),
                    ("700002", "corp.example.com +2", "1"),
                    ("700006", "a.example.com +11", "1"),
                    ("700008", "*.example.net +1", "9"),
                )
            ],
        },
        {"type": "markdown", "text": "**Why now?** The [new rules](https://cabforum.org) shorten reuse to _200 days_."},
        {
            "type": "image",
            "image_url": "https://inventory.example.net/week.png",
            "alt_text": "Orders per day of this week: 4, 2, 7, 3, 1",
            "title": _plain("Orders this week"),
        },
    ],
)
# The text tries to run script on the page and to mention everyone.
HOSTILE = SampleAlert(
    "Free Monitoring",
    "an alert that tries to run a script",
    "<script>document.title = 'owned'</script> <!channel> &lt;img src=x onerror=alert(1)&gt;",
    blocks=[
        {
            "type": "section",
            "text": _mrkdwn(
                "*Down:* <script>document.title='owned'</script> &lt;img src=x onerror=\"document.title='owned'\"&gt; "
                "<javascript:alert(1)|harmless link> <!channel> order 700001"
            ),
        },
        {"type": "hologram", "shows": "<b>an unknown block</b>"},
    ],
)

SAMPLE_ALERTS = {
    "alertmanager": ALERTMANAGER,
    "grafana": GRAFANA,
    "uptime-kuma": UPTIME_KUMA,
    "gatus": GATUS,
    "healthchecks": HEALTHCHECKS,
    "acme": ACME,
    "lemur": LEMUR,
    "pagerduty": PAGERDUTY,
    "report": REPORT,
    "hostile": HOSTILE,
}
