"""Settings: accepted values, errors that stop the start, and that no secret is ever repeated."""

import os
import socket
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import make_url

from bot.errors import ConfigurationError
from bot.settings import HttpModeSettings, Settings, SocketModeSettings, is_loopback, proxy_for

NEEDED = {
    "SLACK_BOT_TOKEN": "xoxb-made-up-bot",
    "SLACK_APP_TOKEN": "xapp-made-up-app",
    "DIGICERT_API_KEY": "made-up-key",
}
SECRETS = {
    **NEEDED,
    "SLACK_SIGNING_SECRET": "made-up-signing",
    "DATABASE_URL": "postgresql://bot:made-up-password@db.example.com/dcv",
}


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path) -> Path:
    """Change to an empty directory, and unset every variable that the module reads."""
    names = {*Settings.model_fields, "request_method"}
    for name in list(os.environ):
        if name.lower() in names or name.lower().endswith("_proxy") or name.startswith("PG"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def load(monkeypatch):
    def load_with(**changes: str) -> Settings:
        for name, value in {**NEEDED, **changes}.items():
            monkeypatch.setenv(name, value)
        return Settings.load()

    return load_with


@pytest.fixture
def problems(load):
    def problems_with(**changes: str) -> tuple[str, ...]:
        with pytest.raises(ConfigurationError) as caught:
            load(**changes)
        return caught.value.problems

    return problems_with


def test_only_three_settings_are_needed_and_the_rest_has_the_documented_defaults(load):
    settings = load()

    assert settings.model_dump(exclude=set(map(str.lower, NEEDED)) | {"database_url"}) == {
        "slack_signing_secret": None,
        "slack_api_url": "https://slack.com/api/",
        "digicert_base_url": "https://www.digicert.com/services/v2",
        "digicert_console_url": None,
        "database_tls": "require",
        "dcv_allowed_users": frozenset(),
        "dcv_allowed_usergroups": frozenset(),
        "dcv_policy_file": None,
        "dcv_validity_file": None,
        "dcv_digest_file": None,
        "dcv_digest_channel": None,
        "dcv_alert_channels": frozenset(),
        "dcv_contact": None,
        "dcv_dns": "direct",
        "dcv_dns_resolvers": (),
        "dcv_dns_sandbox": (),
        "dcv_cooldown": timedelta(minutes=15),
        "dcv_follow_ups": (
            *(timedelta(minutes=minutes) for minutes in (2, 5, 10, 20, 30)),
            *(timedelta(hours=2), timedelta(hours=8), timedelta(days=1), timedelta(days=3)),
        ),
        "dcv_nudges": (timedelta(minutes=30), timedelta(hours=8)),
        "dcv_email_end_note": True,
        "dcv_bulk_reason_over": 10,
        "dcv_bulk_approve_over": 25,
        "dcv_locale": "en",
        "dcv_person_limits": ((30, 600.0),),
        "digicert_limits": ((100, 5.0), (1000, 180.0)),
        "dcv_instance": socket.gethostname(),
        "host": "127.0.0.1",
        "port": None,
        "log_level": "INFO",
        "log_format": "text",
    }
    assert settings.database_url.get_secret_value() == "sqlite+aiosqlite:///dcv-resend.db"
    assert settings.slack_bot_token.get_secret_value() == "xoxb-made-up-bot"
    assert settings.slack_app_token.get_secret_value() == "xapp-made-up-app"
    assert settings.digicert_api_key.get_secret_value() == "made-up-key"


@pytest.mark.parametrize(
    ("base", "console", "url"),
    [
        (None, None, "https://www.digicert.com/secure"),
        ("https://certcentral.digicert.eu/services/v2", None, "https://certcentral.digicert.eu/secure"),
        ("http://127.0.0.1:8001/services/v2/", None, "http://127.0.0.1:8001/secure"),
        (None, "https://certs.example.com/certcentral/", "https://certs.example.com/certcentral"),
    ],
)
def test_the_console_is_on_the_host_of_the_api_unless_it_is_set(load, base, console, url):
    names = {"DIGICERT_BASE_URL": base, "DIGICERT_CONSOLE_URL": console}

    assert load(**{name: value for name, value in names.items() if value}).console_url == url


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("SLACK_API_URL", "http://127.0.0.1:9000/api", "http://127.0.0.1:9000/api/"),
        ("SLACK_API_URL", "https://slack-gov.com/api/", "https://slack-gov.com/api/"),
        (
            "DIGICERT_BASE_URL",
            "https://certcentral.digicert.eu/services/v2/",
            "https://certcentral.digicert.eu/services/v2",
        ),
        ("DIGICERT_BASE_URL", "http://localhost:8001/services/v2", "http://localhost:8001/services/v2"),
        ("DIGICERT_BASE_URL", "http://[::1]:8001", "http://[::1]:8001"),
        ("DCV_ALLOWED_USERS", "U012ABC, W0AB ,U012ABC", frozenset({"U012ABC", "W0AB"})),
        ("DCV_ALLOWED_USERGROUPS", "S012ABC", frozenset({"S012ABC"})),
        ("DCV_POLICY_FILE", "policy.toml", "policy.toml"),
        ("DCV_VALIDITY_FILE", "validity.toml", "validity.toml"),
        ("DCV_DIGEST_FILE", "digests.toml", "digests.toml"),
        ("DCV_DIGEST_CHANNEL", "C012SHOPOPS", "C012SHOPOPS"),
        ("DCV_ALERT_CHANNELS", "C012,G034,", frozenset({"C012", "G034"})),
        *(("DCV_CONTACT", contact, contact) for contact in ("C012", "G034", "S056", "U078", "W09")),
        ("DCV_DNS", "Resolver", "resolver"),
        ("DCV_DNS_RESOLVERS", "10.0.0.2, 10.0.0.3:5353", (("10.0.0.2", 53), ("10.0.0.3", 5353))),
        ("DCV_DNS_RESOLVERS", "[::1]:5353,fd00::1", (("::1", 5353), ("fd00::1", 53))),
        ("DCV_COOLDOWN", "45s", timedelta(seconds=45)),
        ("DCV_COOLDOWN", "365d", timedelta(days=365)),
        ("DCV_FOLLOW_UPS", "1m, 2h,1d", (timedelta(minutes=1), timedelta(hours=2), timedelta(days=1))),
        ("DCV_FOLLOW_UPS", "none", ()),
        ("DCV_NUDGES", "5m", (timedelta(minutes=5),)),
        ("DCV_EMAIL_END_NOTE", "False", False),
        ("DCV_EMAIL_END_NOTE", "on", True),
        ("DIGICERT_LIMITS", "10/1s", ((10, 1.0),)),
        ("DIGICERT_LIMITS", "10/1s, 100/1m", ((10, 1.0), (100, 60.0))),
        ("DCV_PERSON_LIMITS", "5/1h", ((5, 3600.0),)),
        ("DCV_PERSON_LIMITS", "30/10m, 100/30d", ((30, 600.0), (100, 2592000.0))),
        ("DCV_INSTANCE", "bot-1.example", "bot-1.example"),
        ("DCV_LOCALE", "zh_CN", "zh_CN"),
        ("HOST", "0.0.0.0", "0.0.0.0"),  # noqa: S104 - text, nothing listens here
        ("HOST", "[::1]", "::1"),
        ("HOST", "bot.internal", "bot.internal"),
        ("PORT", "3000", 3000),
        ("LOG_LEVEL", "debug", "DEBUG"),
        ("LOG_FORMAT", "JSON", "json"),
        ("LOG_FORMAT", " json ", "json"),
    ],
)
def test_a_well_formed_value_is_read(load, name, text, value):
    assert getattr(load(**{name: text}), name.lower()) == value


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("sqlite:///x.db", "sqlite+aiosqlite:///x.db"),
        ("sqlite:////var/lib/x.db", "sqlite+aiosqlite:////var/lib/x.db"),
        ("sqlite+aiosqlite:///x.db", "sqlite+aiosqlite:///x.db"),
        ("postgresql://u:p%40ss@127.0.0.1:5432/name", "postgresql+psycopg://u:p%40ss@127.0.0.1:5432/name"),
        ("postgres://db/name?sslmode=require", "postgresql+psycopg://db/name?sslmode=require"),
        ("postgresql+psycopg:///name?host=/run/pg", "postgresql+psycopg:///name?host=/run/pg"),
        ("POSTGRES://[::1]:5432/name", "postgresql+psycopg://[::1]:5432/name"),
    ],
)
def test_database_urls_are_normalised_to_the_async_drivers(load, text, url):
    database_url = load(DATABASE_URL=text).database_url.get_secret_value()

    assert database_url == url
    assert make_url(database_url).drivername in {"sqlite+aiosqlite", "postgresql+psycopg"}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("SLACK_BOT_TOKEN", "xoxp-1", "is incomplete or invalid: copy the"),
        ("SLACK_BOT_TOKEN", "xoxb-", "(xoxb-…)"),
        ("SLACK_APP_TOKEN", "xapp-a b", "(xapp-…)"),
        ("SLACK_SIGNING_SECRET", "gehéim", "is incomplete or invalid: copy the"),
        ("DIGICERT_API_KEY", "two words", "is incomplete or invalid: create an API key"),
        ("SLACK_API_URL", "slack.com/api", "an address such as"),
        ("SLACK_API_URL", "http://slack.com/api/", "https://"),
        ("SLACK_API_URL", "http://localhost.example.com/api/", "https://"),
        ("SLACK_API_URL", "http://127.0.0.1@example.com/api/", "without user name"),
        ("DIGICERT_BASE_URL", "https://host/a b", "an address such as"),
        ("DIGICERT_BASE_URL", "https://host:port/", "an address such as"),
        ("DIGICERT_BASE_URL", "https://[::1/", "an address such as"),
        ("DIGICERT_BASE_URL", "https://host\\@example.com/", "an address such as"),
        ("DIGICERT_BASE_URL", "https://host/?a=b", "query"),
        ("DIGICERT_BASE_URL", "ftp://localhost/", "an address such as"),
        ("DCV_ALLOWED_USERS", "@ana, U012ABC", '"@ana". Use user IDs (U… or W…)'),
        ("DCV_ALLOWED_USERS", "S012ABC", '"S012ABC"'),
        ("DCV_ALLOWED_USERGROUPS", "@pki-team", '"@pki-team". Use user group IDs (S…)'),
        (
            "DCV_POLICY_FILE",
            "rules.txt",
            'doesn\'t accept "rules.txt". Use the path of a TOML file such as policy.toml.',
        ),
        ("DCV_ALERT_CHANNELS", "#alerts", '"#alerts". Use channel IDs'),
        ("DCV_COOLDOWN", "15", "such as 45s, 5m, 2h or 1d"),
        ("DCV_CONTACT", "#dcv-help", "ID of a channel"),
        ("DCV_DNS", "on", "direct, resolver or off"),
        ("DCV_DNS_RESOLVERS", "dns.example.com", "addresses of DNS resolvers"),
        ("DCV_DNS_RESOLVERS", "10.0.0.2:0", "addresses of DNS resolvers"),
        # DNS must not lead a bot with a real account to this machine.
        ("DCV_DNS_SANDBOX", "198.51.100.1=127.0.0.1:5300", "with a Slack and a DigiCert on localhost"),
        ("DCV_COOLDOWN", "0s", "such as"),
        ("DCV_COOLDOWN", "-5m", "such as"),
        ("DCV_COOLDOWN", "366d", "365d at most"),
        ("DCV_COOLDOWN", "\u0665m", "such as"),
        ("DCV_FOLLOW_UPS", "5m,soon", '"soon"'),
        ("DCV_FOLLOW_UPS", "5m,2m", "shortest first"),
        ("DCV_NUDGES", "60s,1m", "without repeats"),
        ("DCV_NUDGES", ",", "shortest first"),
        ("DCV_EMAIL_END_NOTE", "maybe", "true or false"),
        ("DIGICERT_LIMITS", "100", "100/5s,1000/3m"),
        ("DIGICERT_LIMITS", "0/5s", "100/5s,1000/3m"),
        ("DIGICERT_LIMITS", "10/0s", "100/5s,1000/3m"),
        ("DIGICERT_LIMITS", ",", "100/5s,1000/3m"),
        ("DIGICERT_LIMITS", "1000/3m,100/5s", "shortest time first"),
        ("DIGICERT_LIMITS", "10/5s,9/1m", "shortest time first"),
        ("DIGICERT_LIMITS", "10/5s,1000/1m", "shortest time first"),
        ("DCV_PERSON_LIMITS", "30", "30/10m,100/1d"),
        ("DCV_PERSON_LIMITS", "0/10m", "30/10m,100/1d"),
        ("DCV_PERSON_LIMITS", "none", "30/10m,100/1d"),
        ("DCV_PERSON_LIMITS", "100/1d,30/10m", "shortest time first"),
        ("DCV_PERSON_LIMITS", "30/10m,100/31d", "30d at most"),
        ("DCV_INSTANCE", "bot one", '"bot one"'),
        ("DCV_LOCALE", "english!", "language code"),
        ("DATABASE_URL", "mysql://u:p@db/name", "sqlite:///name.db"),
        ("DATABASE_URL", "x.db", "sqlite:///name.db"),
        ("DATABASE_URL", "sqlite://", "three slashes"),
        ("DATABASE_URL", "sqlite:///:memory:", "for a file"),
        ("DATABASE_URL", "sqlite://x.db", "three slashes"),
        ("DATABASE_URL", "postgresql://", "postgresql://user:password@host:5432/name"),
        ("DATABASE_URL", "postgresql://u:p@ss@db/name", "@ as %40"),
        ("DATABASE_URL", "postgresql://u:p/ss@db/name", "/ as %2F"),
        ("DATABASE_URL", "postgresql://u:1/ss@db/name", "/ as %2F"),
        ("DATABASE_URL", "postgresql://u:1#ss@db/name", "# as %23"),
        ("DATABASE_URL", "postgresql://u:p@db:port/name", "postgresql://user:password@host:5432/name"),
        ("HOST", "0.0.0.0:3000", '"0.0.0.0:3000"'),
        ("HOST", "http://localhost", "address to listen on"),
        ("PORT", "0", "1 to 65535"),
        ("PORT", "65536", "1 to 65535"),
        ("PORT", "http", '"http"'),
        ("LOG_LEVEL", "loud", '"LOUD"'),
        ("LOG_FORMAT", "xml", '"xml"'),
    ],
)
def test_a_malformed_value_stops_the_start_with_one_line_that_says_the_mend(problems, name, text, words):
    [line] = problems(**{name: text})

    assert line.startswith(f"{name} ")
    assert words in line
    assert line.endswith(".")
    assert "\n" not in line
    assert "pydantic" not in line.lower()


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (SocketModeSettings, 'SLACK_APP_TOKEN is not set: create an "App-Level Token"'),
        (HttpModeSettings, 'SLACK_SIGNING_SECRET is not set: copy the "Signing Secret"'),
    ],
)
def test_every_missing_setting_is_named_with_where_to_find_it(mode, words):
    with pytest.raises(ConfigurationError) as caught:
        mode.load()

    bot, transport, key = caught.value.problems
    assert bot.startswith('SLACK_BOT_TOKEN is not set: copy the "Bot User OAuth Token"')
    assert transport.startswith(words)
    assert key.startswith("DIGICERT_API_KEY is not set: create an API key")
    assert str(caught.value) == "\n".join(caught.value.problems)


@pytest.mark.parametrize(
    ("mode", "other"), [(SocketModeSettings, "SLACK_SIGNING_SECRET"), (HttpModeSettings, "SLACK_APP_TOKEN")]
)
def test_a_mode_needs_nothing_of_the_other(monkeypatch, mode, other):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, "" if name == other else value)

    assert getattr(mode.load(), other.lower()) is None


def test_http_mode_listens_on_port_3000_of_this_machine_by_default(monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)

    settings = HttpModeSettings.load()

    assert (settings.host, settings.port) == ("127.0.0.1", 3000)


def test_all_problems_are_reported_at_once(problems):
    lines = problems(SLACK_BOT_TOKEN="", PORT="x", DCV_COOLDOWN="soon")

    assert [line.split()[0] for line in lines] == ["SLACK_BOT_TOKEN", "DCV_COOLDOWN", "PORT"]


@pytest.mark.parametrize("empty", ["", "  ", "\t"])
def test_an_empty_value_counts_as_not_set(load, empty):
    settings = load(DCV_POLICY_FILE=empty, PORT=empty, DCV_FOLLOW_UPS=empty, SLACK_SIGNING_SECRET=empty)

    assert settings.port is None
    assert settings.slack_signing_secret is None
    assert len(settings.dcv_follow_ups) == 9


def test_space_around_a_token_is_not_part_of_it(load):
    assert load(SLACK_BOT_TOKEN=" xoxb-1\n").slack_bot_token.get_secret_value() == "xoxb-1"


def test_the_env_file_fills_in_what_the_environment_does_not_set(load, folder):
    (folder / ".env").write_text(
        "# ours\nSLACK_SIGNING_SECRET='f'\nDCV_LOCALE=de\nPORT=3001\nSOMETHING_ELSE=1\n", encoding="utf-8"
    )

    settings = load(DCV_LOCALE="fr", PORT="")

    assert settings.slack_signing_secret.get_secret_value() == "f"
    assert settings.dcv_locale == "fr"
    assert settings.port == 3001


def test_another_env_file_can_be_named_or_none(monkeypatch, folder):
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    (folder / ".env").write_text("PORT=3001\n", encoding="utf-8")
    (folder / "other.env").write_text("PORT=3002\n", encoding="utf-8")

    assert Settings.load(folder / "other.env").port == 3002
    assert Settings.load(None).port is None
    assert Settings.load("missing.env").port is None


def test_an_env_file_that_is_no_text_stops_the_start(problems, folder):
    (folder / ".env").write_bytes(b"PORT=\xff\xfe\n")

    assert problems() == (".env can't be read. Make it a UTF-8 text file that the bot can read.",)


def test_unknown_variables_are_ignored(load):
    assert load(DCV_NO_SUCH_SETTING="1").port is None


def test_settings_cannot_be_changed(load):
    settings = load()

    with pytest.raises(ValidationError):
        settings.port = 1


def test_no_secret_shows_when_settings_are_printed(load):
    settings = load(**SECRETS)

    assert "made-up" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_the_constructor_does_not_repeat_what_it_refuses():
    with pytest.raises(ValidationError) as caught:
        Settings(**dict.fromkeys(map(str.lower, SECRETS), "made-up wrong"))

    assert "made-up" not in str(caught.value)


@pytest.mark.parametrize("name", SECRETS)
def test_a_wrong_secret_is_not_repeated_in_the_line_nor_in_any_chained_traceback(load, name):
    with pytest.raises(ConfigurationError) as caught:
        load(**{name: "made-up wrong"})

    assert "made-up" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "name", [name.upper() for name in Settings.model_fields if name.upper() not in {*SECRETS, "DCV_INSTANCE", "HOST"}]
)
@pytest.mark.parametrize(
    "secret",
    ["xoxb-1-made-up", "xapp-1-made-up", "0123456789ABCDEF0123456789ABCDEF", "https://ana:made-up@host/?"],
)
def test_a_secret_pasted_into_the_wrong_setting_is_not_repeated(problems, name, secret):
    [line] = problems(**{name: secret})

    assert secret not in line
    assert "made-up" not in line


def test_a_shown_value_is_short_and_on_one_line(problems):
    [line] = problems(DCV_INSTANCE="a\nb " * 50)

    assert '"a?b a?b ' in line
    assert len(line) < 150


def test_a_value_that_is_no_unicode_stops_the_start(problems):
    [line] = problems(DATABASE_URL="sqlite:///\udcff.db")

    assert line.startswith("DATABASE_URL is incomplete or invalid: write sqlite:///name.db")


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from([name.upper() for name in Settings.model_fields]),
    text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
)
def test_no_value_does_anything_but_load_or_stop_the_start_with_one_line(load, name, text):
    try:
        load(**{**dict.fromkeys((field.upper() for field in Settings.model_fields), ""), **NEEDED, name: text})
    except ConfigurationError as error:
        [line] = error.problems
        assert line.startswith(f"{name} ")
        assert len(line.splitlines()) == 1


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:8000/x", True),
        ("http://LOCALHOST", True),
        ("http://127.0.0.1", True),
        ("ws://127.255.1.2:80/", True),
        ("https://[::1]:443/", True),
        ("http://localhost@example.com/", False),
        ("http://localhost.example.com/", False),
        ("http://128.0.0.1/", False),
        ("http://[::2]/", False),
        ("http://[::1/", False),
        ("http://0.0.0.0/", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_loopback_is_recognized_by_the_host_alone(url, loopback):
    assert is_loopback(url) is loopback


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://www.digicert.com/services/v2", "http://secure.example:3128"),
        ("wss://wss-primary.slack.com/link", "http://secure.example:3128"),
        ("http://www.digicert.com/", "http://plain.example:3128"),
        ("ws://www.digicert.com/", "http://plain.example:3128"),
        ("https://ca.internal/x", None),
        ("https://deep.ca.internal:8443/x", None),
        ("https://ports.example:8443/x", None),
        ("https://ports.example/x", "http://secure.example:3128"),
        ("https://user@ca.internal/x", None),
        ("https://127.0.0.1:8443/", None),
        ("wss://localhost/", None),
        ("https://[::1]/", None),
        ("ftp://www.digicert.com/", None),
    ],
)
def test_the_proxy_is_the_one_of_the_environment_and_never_for_loopback(monkeypatch, url, proxy):
    monkeypatch.setenv("HTTPS_PROXY", "http://secure.example:3128")
    monkeypatch.setenv("HTTP_PROXY", "plain.example:3128")
    monkeypatch.setenv("NO_PROXY", "ca.internal,ports.example:8443")

    assert proxy_for(url) == proxy


def test_no_proxy_can_name_every_host(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://secure.example:3128")
    monkeypatch.setenv("NO_PROXY", "*")

    assert proxy_for("https://www.digicert.com/") is None


def test_without_a_proxy_in_the_environment_there_is_none():
    assert proxy_for("https://www.digicert.com/") is None


ENCRYPTED = [
    ("postgresql://u@db.example/x", {}, "require"),
    ("postgresql://u:p@10.0.0.5:5432/x?application_name=bot", {}, "require"),
    ("postgresql://u@db.example/x?", {}, "require"),
    ("postgresql://u@db.example/x?sslmode=", {}, "require"),
    ("postgresql://u@db.example/x?sslmode=require", {}, "require"),
    ("postgresql://u@db.example/x?sslmode=verify-ca", {}, "verify-ca"),
    ("postgresql://u@db.example/x?sslmode=verify-full", {}, "verify-full"),
    ("postgresql://u@/x?host=db.example", {}, "require"),
    ("postgresql://u@/x?host=/run/postgresql&host=db.example:5432", {}, "require"),
    ("postgresql://u@localhost,db.example/x", {}, "require"),
    ("postgresql://u@localhost/x?host=db.example", {}, "require"),
    ("postgresql://u@localhost/x?hostaddr=10.0.0.5", {}, "require"),
    ("postgresql://u@localhost/x?hostaddr=127.0.0.1,10.0.0.5", {}, "require"),
    ("postgresql://u@localhost.example/x", {}, "require"),
    ("postgresql://u@127.0.0.1.example/x", {}, "require"),
    ("postgresql://u@%2Frun/x", {}, "require"),
    ("postgresql://u@[2001:db8::1]/x", {}, "require"),
    ("postgresql:///x?conninfo=host%3Ddb.example", {}, "require"),
    ("postgresql:///x", {"PGHOST": "db.example"}, "require"),
    ("postgresql:///x", {"PGHOST": "localhost,db.example"}, "require"),
    ("postgresql://u@localhost/x", {"PGHOSTADDR": "10.0.0.5"}, "require"),
    ("postgresql:///x?host=/run/postgresql", {"PGHOSTADDR": "10.0.0.5"}, "require"),
    ("postgresql://u@db.example/x", {"PGSSLMODE": "disable"}, "require"),
    ("postgresql://u@db.example/x", {"PGSSLMODE": "verify-full"}, "verify-full"),
    ("postgresql://u@db.example/x?sslrootcert=system", {}, "verify-full"),
    ("postgresql://u@db.example/x", {"PGSSLROOTCERT": "system"}, "verify-full"),
]
ON_THIS_MACHINE = [
    ("postgresql://u@localhost/x", {}),
    ("postgresql://u@LOCALHOST:5433/x?sslmode=disable", {}),
    ("postgresql://u@127.8.9.1/x?sslmode=prefer", {}),
    ("postgresql://u@[::1]/x", {}),
    ("postgresql:///x", {}),
    ("postgresql://u:p@/x?host=/run/postgresql", {}),
    ("postgresql:///x?host=/run/a&host=localhost:5433&host=[::1]:5432", {}),
    ("postgresql:///x", {"PGHOST": "/run/postgresql"}),
    ("postgresql://u@localhost/x", {"PGHOST": "db.example"}),
    ("postgresql://u@db.example/x?hostaddr=127.0.0.1", {}),
]
IN_CLEAR = [
    ("postgresql://u@db.example/x?sslmode=disable", {}, 'has sslmode="disable", which may not encrypt.'),
    ("postgresql://u@db.example/x?sslmode=allow", {}, 'has sslmode="allow"'),
    ("postgresql://u@db.example/x?sslmode=prefer", {}, 'has sslmode="prefer"'),
    ("postgresql://u@db.example/x?sslmode=REQUIRE", {}, 'has sslmode="REQUIRE"'),
    ("postgresql://u@db.example/x?ssl%6dode=disable", {}, 'has sslmode="disable"'),
    ("postgresql://u@db.example/x?sslmode=require&sslmode=disable", {}, 'has sslmode="require,disable"'),
    ("postgresql:///x?sslmode=disable", {"PGHOST": "db.example"}, 'has sslmode="disable"'),
    ("postgresql:///x?service=bot", {}, "takes its host or sslmode from a service file."),
    ("postgresql://u@localhost/x", {"PGSERVICE": "bot"}, "takes its host or sslmode from a service file."),
]


@pytest.mark.fault("L8")
@pytest.mark.parametrize(("url", "environment", "mode"), ENCRYPTED)
def test_a_postgresql_elsewhere_is_reached_by_tls_alone(load, url, environment, mode):
    read = load(DATABASE_URL=url, **environment).database_url.get_secret_value()

    arguments = make_url(read).get_dialect()().create_connect_args(make_url(read))[1]
    assert arguments["sslmode"] == mode


@pytest.mark.parametrize(("url", "environment"), ON_THIS_MACHINE)
def test_a_postgresql_on_this_machine_may_be_reached_in_clear(load, url, environment):
    read = load(DATABASE_URL=url, **environment).database_url.get_secret_value()

    assert read == url.replace("postgresql:", "postgresql+psycopg:")


@pytest.mark.fault("L8")
@pytest.mark.parametrize(("url", "environment", "problem"), IN_CLEAR)
def test_an_address_that_asks_for_less_than_tls_is_a_problem(problems, url, environment, problem):
    reported = problems(DATABASE_URL=url, **environment)

    assert [line.startswith(f"DATABASE_URL {problem}") for line in reported] == [True]
    assert "Use sslmode=require or verify-full, or set DATABASE_TLS=off." in reported[0]


@pytest.mark.parametrize("url", ["postgresql://u@db.example/x", "postgresql://u@db.example/x?sslmode=disable"])
def test_without_tls_an_address_is_as_it_was_written(load, url):
    read = load(DATABASE_URL=url, DATABASE_TLS="off").database_url.get_secret_value()

    assert read == url.replace("postgresql:", "postgresql+psycopg:")


def test_no_other_word_switches_tls(problems):
    assert problems(DATABASE_TLS="prefer", DATABASE_URL="postgresql://u:made-up@db.example/x") == (
        'DATABASE_TLS doesn\'t accept "prefer". Use require or off.',
    )
