"""Settings: one frozen value from the environment and `.env`, validated completely before anything starts."""

import os
import re
import socket
from collections.abc import Callable, Mapping
from datetime import timedelta
from difflib import get_close_matches
from ipaddress import ip_address, ip_network
from itertools import groupby, pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit
from urllib.request import getproxies, proxy_bypass

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.errors import ConfigurationError

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
LogFormat = Literal["text", "json"]
DnsSetting = Literal["direct", "resolver", "off"]
TlsMode = Literal["require", "off"]

ENV_FILE = ".env"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# DCV_PERSON_LIMITS counts rows of the ledger. Rows that are younger than this are never pruned.
LONGEST_LIMIT_WINDOW = timedelta(days=30)
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_PREFIXES = ("DCV_", "DIGICERT_", "SLACK_")
_TLS_MODES = frozenset({"require", "verify-ca", "verify-full"})
# People paste a token into the line above or below the right one. Such a value is not shown in an error.
_MAY_BE_SECRET = re.compile(r"xox|xapp|://[^/]*@|[A-Za-z0-9+/=_-]{20,}", re.IGNORECASE)

# What each setting accepts, and where to find a secret.
_BASE_URL = "an address such as https://host/path, without user name, query or fragment (http:// only for localhost)"
_TAKES = {
    "database_tls": "require or off",
    "database_url": (
        "write sqlite:///name.db, with three slashes, for a file, or postgresql://user:password@host:5432/name; "
        "in the password write @ as %40, : as %3A, / as %2F, # as %23 and ? as %3F"
    ),
    "slack_bot_token": 'copy the "Bot User OAuth Token" (xoxb-…) from "OAuth & Permissions" of your Slack app',
    "slack_app_token": 'create an "App-Level Token" (xapp-…) with the scope connections:write in "Basic Information"',
    "slack_signing_secret": 'copy the "Signing Secret" from "Basic Information" of your Slack app',
    "slack_api_url": _BASE_URL,
    "digicert_api_key": "create an API key for a service user in CertCentral and copy it",
    "digicert_base_url": _BASE_URL,
    "digicert_console_url": _BASE_URL,
    "dcv_allowed_users": 'user IDs (U… or W…) separated by commas; a Slack profile shows its ID under "Copy member ID"',
    "dcv_allowed_usergroups": (
        'user group IDs (S…) separated by commas; a group\'s page in Slack shows its ID under "Copy group ID"'
    ),
    "dcv_policy_file": "the path of a TOML file such as policy.toml",
    "dcv_validity_file": "the path of a TOML file such as validity.toml",
    "dcv_digest_file": "the path of a TOML file such as digests.toml",
    "dcv_digest_channel": "the ID of a channel (C… or G…), shown at the bottom of the channel details in Slack",
    "dcv_alert_channels": (
        "channel IDs (C… or G…) separated by commas; Slack shows the ID at the bottom of the channel details"
    ),
    "dcv_dns": "direct, resolver or off",
    "dcv_dns_resolvers": "addresses of DNS resolvers separated by commas, such as 10.0.0.2,10.0.0.3:5353",
    "dcv_dns_sandbox": "pairs such as 198.51.100.1=127.0.0.1:5300, and only with a Slack and a DigiCert on localhost",
    "dcv_contact": "the ID of a channel (C… or G…), a user group (S…) or a user (U… or W…)",
    "dcv_cooldown": "a duration such as 45s, 5m, 2h or 1d (365d at most)",
    "dcv_follow_ups": "durations after the resend, shortest first, without repeats, such as 5m,30m,2h; or none",
    "dcv_nudges": "durations after the resend, shortest first, without repeats, such as 5m,30m,2h; or none",
    "dcv_email_end_note": "true or false",
    "dcv_bulk_reason_over": "a number of targets from 0 to 500, such as 10",
    "dcv_bulk_approve_over": "a number of targets from 0 to 500, such as 25; 0 turns approvals off",
    "dcv_locale": "a language code such as en, de or zh_CN",
    "dcv_person_limits": "numbers per time, shortest time first (30d at most), such as 30/10m,100/1d",
    "digicert_limits": "numbers per time, shortest time first, such as 100/5s,1000/3m",
    "dcv_instance": "a name of letters, digits, dots and hyphens (64 at most)",
    "host": "an address to listen on such as 127.0.0.1 or 0.0.0.0",
    "port": "a port number from 1 to 65535",
    "log_level": "DEBUG, INFO, WARNING or ERROR",
    "log_format": "text or json",
}
# By pydantic's type of the error. Every other type is a value that the setting does not accept (_WRONG_VALUE).
_SENTENCES = {
    "missing": "{name} is not set: {takes}.",
    "worded": "{name} {words}",
    "secret": "{name} is incomplete or invalid: {takes}.",
}
_WRONG_VALUE = "{name} doesn't accept {shown}. Use {takes}."


def is_loopback(url: str) -> bool:
    """Return True if the host of `url` is this machine: `localhost`, 127.0.0.0/8 or ::1."""
    try:
        return _is_this_machine(urlsplit(url).hostname or "")
    except ValueError:
        return False


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or any(ip_address(host) in network for network in _LOOPBACK)
    except ValueError:
        return False


def may_cross_a_network_in_clear(database_url: str) -> bool:
    """Return True for a PostgreSQL that is reached over a network, if the URL itself asks for no TLS.

    The driver reads more than the URL: PGHOST, PGHOSTADDR and PGSERVICE supply missing parts.
    Source: PostgreSQL, "Connection Strings" and "Environment Variables" of libpq.
    """
    parts, query = urlsplit(database_url), _query(database_url)
    if not parts.scheme.startswith("postgresql") or query.get("sslmode") in _TLS_MODES:
        return False
    if "conninfo" in query or _service(query):
        # Either of them can name another host.
        return True
    addresses = _listed(query.get("hostaddr") or os.environ.get("PGHOSTADDR", ""))
    if addresses:
        return not all(map(_is_this_machine, addresses))
    hosts = _listed(parts.netloc.rpartition("@")[2]) + _listed(query.get("host", ""))
    return not all(map(_is_local, hosts or _listed(os.environ.get("PGHOST", ""))))


def _is_local(host: str) -> bool:
    """Return True for a Unix socket, or a host on the loopback, with or without a port."""
    return host.startswith(("/", "@")) or is_loopback(
        f"//{host if host.count(':') < 2 or '[' in host else f'[{host}]'}"
    )


def _query(url: str) -> dict[str, str]:
    """Return the parameters of a URL. Repeated ones are joined by commas, as in the driver."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(urlsplit(url).query):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _service(query: Mapping[str, str]) -> str:
    return query.get("service") or os.environ.get("PGSERVICE", "")


def _listed(text: str) -> list[str]:
    return text.split(",") if text else []


def _with_tls(url: str) -> str:
    """Return a PostgreSQL URL whose connections are encrypted, unless they stay on this machine.

    Raises PydanticCustomError with its own sentence if the URL asks for less.
    """
    if not may_cross_a_network_in_clear(url):
        return url
    query = _query(url)
    mend = "Use sslmode=require or verify-full, or set DATABASE_TLS=off"
    if "sslmode" in query:
        raise _worded(f"has sslmode={_redacted(query['sslmode'])}, which may not encrypt. {mend}.")
    if _service(query):
        raise _worded(f"takes its host or sslmode from a service file. {mend}.")
    # Never less than what the driver would do by itself.
    mode = os.environ.get("PGSSLMODE", "")
    if "system" in (query.get("sslrootcert"), os.environ.get("PGSSLROOTCERT")):
        mode = "verify-full"
    return f"{url}{'&' if '?' in url else '?'}sslmode={mode if mode in _TLS_MODES else 'require'}"


def is_set(name: str) -> bool:
    """Return True if the environment or the file of settings has a value for this variable."""
    return bool((os.environ.get(name) or _in_file().get(name) or "").strip())


def unknown_names() -> dict[str, str | None]:
    """Return the variables that begin like a setting but are not one, each with the most similar setting, if any."""
    known = {name.upper() for name in HttpModeSettings.model_fields}
    given = {name for name in _in_file() if name.startswith(_PREFIXES)}
    # Of the environment only these: other programs have variables of the other names, too.
    given |= {name for name in os.environ if name.startswith(_PREFIXES[0])}
    unknown = sorted(given - known)
    return {name: next(iter(get_close_matches(name, known, 1)), None) for name in unknown}


def _in_file() -> Mapping[str, str | None]:
    try:
        return dotenv_values(ENV_FILE)
    except (OSError, UnicodeDecodeError):
        return {}


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for `url`, or None to connect directly, as for loopback.

    Follows HTTPS_PROXY, HTTP_PROXY and NO_PROXY as urllib reads them, and treats `wss` like `https`.
    The result may hold a password: do not log it.
    """
    parts = urlsplit(url)
    scheme = {"wss": "https", "ws": "http"}.get(parts.scheme, parts.scheme)
    proxy = getproxies().get(scheme)
    if not proxy or is_loopback(url) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _redacted(value: str) -> str:
    """Return `value` as an error line may show it: short, printable, and nothing of it if it may be a secret."""
    if _MAY_BE_SECRET.search(value):
        return "its value"
    printable = "".join(letter if letter.isprintable() else "?" for letter in value)
    return f'"{printable[:40]}"'


def _worded(words: str) -> PydanticCustomError:
    """Return an error with its own sentence. For other errors the sentence says what the setting accepts."""
    return PydanticCustomError("worded", "{words}", {"words": words})


def _parse_with(read: Callable[[str], object]) -> BeforeValidator:
    """Return a validator that reads text with `read`. Any other value (a default, a test's value) passes as it is."""
    return BeforeValidator(lambda value: read(value) if isinstance(value, str) else value)


def _secret(pattern: str) -> AfterValidator:
    def check(secret: SecretStr) -> SecretStr:
        _match(pattern, secret.get_secret_value())
        return secret

    return AfterValidator(check)


def _match(pattern: str, text: str) -> re.Match[str]:
    if match := re.fullmatch(pattern, text):
        return match
    raise ValueError


def _items(text: str) -> list[str]:
    return [item for item in re.split(r"[\s,]+", text) if item]


def _read_duration(text: str) -> timedelta:
    match = _match("([0-9]{1,8})([smhd])", text)
    return timedelta(seconds=int(match[1]) * _SECONDS[match[2]])


def _read_moments(text: str) -> list[str]:
    return [] if text.lower() == "none" else _items(text) or [text]


def _ascending(durations: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
    if list(durations) != sorted(set(durations)):
        raise ValueError
    return durations


def _read_limits(text: str) -> tuple[tuple[int, float], ...]:
    found = [_match("([1-9][0-9]{0,7})/([1-9][0-9]{0,5})([smhd])", item) for item in _items(text)]
    limits = tuple((int(match[1]), float(int(match[2]) * _SECONDS[match[3]])) for match in found)
    # Each must be longer, larger and slower than the one before; otherwise one of the two could never bind.
    for (calls, seconds), (more_calls, more_seconds) in pairwise(limits):
        if more_seconds <= seconds or more_calls <= calls or more_calls / more_seconds > calls / seconds:
            raise ValueError
    if not limits:
        raise ValueError
    return limits


def _countable(limits: tuple[tuple[int, float], ...]) -> tuple[tuple[int, float], ...]:
    if limits[-1][1] > LONGEST_LIMIT_WINDOW.total_seconds():
        raise ValueError
    return limits


def _read_endpoint(text: str) -> tuple[str, int]:
    """Read `address`, `address:port` or `[address]:port`. Raises ValueError for a name."""
    host, port = text, "53"
    if match := re.fullmatch(r"\[([^]]+)\]:([0-9]{1,5})|([^:]+):([0-9]{1,5})", text):
        host, port = match[1] or match[3], match[2] or match[4]
    if not 0 < int(port) < 65536:
        raise ValueError
    return str(ip_address(host.removeprefix("[").removesuffix("]"))), int(port)


def _read_endpoints(text: str) -> tuple[tuple[str, int], ...]:
    return tuple(map(_read_endpoint, _items(text)))


def _read_sandbox(text: str) -> tuple[tuple[str, tuple[str, int]], ...]:
    pairs = [item.partition("=") for item in _items(text)]
    found = tuple((str(ip_address(address)), _read_endpoint(endpoint)) for address, _, endpoint in pairs)
    if not all(_is_this_machine(host) for _, (host, _) in found):
        raise ValueError
    return found


def _read_base_url(text: str) -> str:
    parts = urlsplit(text)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(text))
    if not is_safe or not parts.hostname or parts.port == 0 or "@" in parts.netloc:
        raise ValueError
    # Printable ASCII without space, "?", "#" and backslash.
    return _match(r"[!\"$->@-\[\]-~]+", text)[0].rstrip("/")


def _read_database_url(text: str) -> str:
    scheme, _, rest = text.partition("://")
    driver = _DRIVERS.get(scheme.lower(), "") if text.isprintable() else ""
    if not driver or not (_is_file(rest) if driver.startswith("sqlite") else _is_unmistakable(rest)):
        raise ValueError
    return f"{driver}://{rest}"


def _is_file(rest: str) -> bool:
    """Return True for the path of a file, False for a database in memory or a URI of SQLite."""
    file, _, query = rest.partition("?")
    is_path = file.startswith("/") and file not in {"/", "/:memory:"} and not file.startswith("/file:")
    return is_path and "uri" not in dict(parse_qsl(query, keep_blank_values=True))


def _is_unmistakable(rest: str) -> bool:
    """Return False if the driver could misread the URL: its error message could then hold the password."""
    parts = urlsplit(f"//{rest}")
    is_plain = rest.count("@") == parts.netloc.count("@") <= 1 and "#" not in rest and parts.port != 0
    return is_plain and bool(rest.strip("/"))


_AppToken = Annotated[SecretStr, _secret("xapp-[!-~]+")]
_SigningSecret = Annotated[SecretStr, _secret("[!-~]+")]
_BaseUrl = Annotated[str, _parse_with(_read_base_url)]
_UserIds = Annotated[
    frozenset[Annotated[str, StringConstraints(pattern="^[UW][A-Z0-9]+$")]], NoDecode, _parse_with(_items)
]
_GroupIds = Annotated[
    frozenset[Annotated[str, StringConstraints(pattern="^S[A-Z0-9]+$")]], NoDecode, _parse_with(_items)
]
_ChannelIds = Annotated[
    frozenset[Annotated[str, StringConstraints(pattern="^[CG][A-Z0-9]+$")]], NoDecode, _parse_with(_items)
]
_Duration = Annotated[timedelta, _parse_with(_read_duration), Field(gt=timedelta(0), le=timedelta(days=365))]
_Durations = Annotated[tuple[_Duration, ...], NoDecode, _parse_with(_read_moments), AfterValidator(_ascending)]
_Limits = Annotated[tuple[tuple[int, float], ...], NoDecode, _parse_with(_read_limits)]
_Endpoints = Annotated[tuple[tuple[str, int], ...], NoDecode, _parse_with(_read_endpoints)]
_SandboxServers = Annotated[tuple[tuple[str, tuple[str, int]], ...], NoDecode, _parse_with(_read_sandbox)]
_Port = Annotated[int, Field(gt=0, lt=65536)]
# A name or an IPv4 address, or an IPv6 address.
_Host = Annotated[str, StringConstraints(pattern="^([A-Za-z0-9._-]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$")]


class DatabaseSettings(BaseSettings):
    """The settings of the database, for commands that only inspect it. Create it with `load`."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    # Declared before the URL, as the URL's validator reads it.
    database_tls: Annotated[TlsMode, _parse_with(str.lower)] = "require"
    database_url: SecretStr = SecretStr("sqlite:///dcv-resend.db")

    @field_validator("database_url")
    @classmethod
    def _prepare(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        read = _read_database_url(url.get_secret_value())
        return SecretStr(_with_tls(read) if info.data.get("database_tls") == "require" else read)

    @model_validator(mode="before")
    @classmethod
    def _drop_what_is_empty(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        stripped = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
        return {name: value for name, value in stripped.items() if value != ""}

    @classmethod
    def load(cls, env_file: str | Path | None = ENV_FILE) -> Self:
        """Read the environment, and `env_file` for variables that it does not set. The file may be missing.

        Raises ConfigurationError with one line for every setting that is missing or malformed. No line shows a secret.
        """
        options: dict[str, Any] = {"_env_file": env_file}
        try:
            return cls(**options)
        except ValidationError as error:
            of_each = groupby(error.errors(include_url=False), lambda detail: detail["loc"][0])
            problems = [cls._problem(next(details)) for _, details in of_each]
        except (OSError, UnicodeDecodeError):
            problems = [f"{env_file} can't be read. Make it a UTF-8 text file that the bot can read."]
        # Raised outside the handlers, so that no chained traceback shows the values.
        raise ConfigurationError(problems)

    @classmethod
    def _problem(cls, detail: ErrorDetails) -> str:
        name, kind, words = str(detail["loc"][0]), detail["type"], detail["msg"]
        if kind not in _SENTENCES and "SecretStr" in str(cls.model_fields[name].annotation):
            kind = "secret"
        values = {"name": name.upper(), "takes": _TAKES[name], "words": words, "shown": _redacted(str(detail["input"]))}
        return _SENTENCES.get(kind, _WRONG_VALUE).format_map(values)


class Settings(DatabaseSettings):
    """All settings, in the types that the code uses. The names are those of the environment variables in lower case.

    A subclass for each transport makes the settings mandatory that it needs. Create it with `load`. The constructor is
    for tests: it reads the environment too, and raises pydantic's own errors.
    """

    slack_bot_token: Annotated[SecretStr, _secret("xoxb-[!-~]+")]
    slack_app_token: _AppToken | None = None
    slack_signing_secret: _SigningSecret | None = None
    slack_api_url: Annotated[_BaseUrl, AfterValidator(lambda url: url.rstrip("/") + "/")] = "https://slack.com/api/"
    digicert_api_key: Annotated[SecretStr, _secret("[!-~]+")]
    digicert_base_url: _BaseUrl = "https://www.digicert.com/services/v2"
    digicert_console_url: _BaseUrl | None = None

    dcv_allowed_users: _UserIds = frozenset()
    dcv_allowed_usergroups: _GroupIds = frozenset()
    dcv_policy_file: Annotated[str, StringConstraints(pattern=r"^.+\.toml$")] | None = None
    dcv_validity_file: Annotated[str, StringConstraints(pattern=r"^.+\.toml$")] | None = None
    dcv_digest_file: Annotated[str, StringConstraints(pattern=r"^.+\.toml$")] | None = None
    dcv_digest_channel: Annotated[str, StringConstraints(pattern="^[CG][A-Z0-9]+$")] | None = None
    dcv_alert_channels: _ChannelIds = frozenset()
    dcv_contact: Annotated[str, StringConstraints(pattern="^[CGSUW][A-Z0-9]+$")] | None = None

    dcv_dns: Annotated[DnsSetting, _parse_with(str.lower)] = "direct"
    dcv_dns_resolvers: _Endpoints = ()
    # Declared after the two addresses, as its validator reads them.
    dcv_dns_sandbox: _SandboxServers = ()

    dcv_cooldown: _Duration = timedelta(minutes=15)
    dcv_follow_ups: _Durations = tuple(map(_read_duration, _items("2m,5m,10m,20m,30m,2h,8h,1d,3d")))
    dcv_nudges: _Durations = tuple(map(_read_duration, _items("30m,8h")))
    dcv_email_end_note: bool = True
    dcv_bulk_reason_over: Annotated[int, Field(ge=0, le=500)] = 10
    dcv_bulk_approve_over: Annotated[int, Field(ge=0, le=500)] = 25
    dcv_locale: Annotated[str, StringConstraints(pattern="^[A-Za-z]{2,3}([_-][A-Za-z]{2,4})?$")] = "en"
    dcv_person_limits: Annotated[_Limits, AfterValidator(_countable)] = ((30, 600.0),)
    digicert_limits: _Limits = ((100, 5.0), (1000, 180.0))

    dcv_instance: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9._-]{1,64}$")] = Field(
        default_factory=socket.gethostname
    )
    host: Annotated[_Host, _parse_with(lambda text: text.removeprefix("[").removesuffix("]"))] = "127.0.0.1"
    port: _Port | None = None
    log_level: Annotated[LogLevel, _parse_with(str.upper)] = "INFO"
    log_format: Annotated[LogFormat, _parse_with(str.lower)] = "text"

    @field_validator("dcv_dns_sandbox")
    @classmethod
    def _only_in_the_sandbox(
        cls, servers: tuple[tuple[str, tuple[str, int]], ...], info: ValidationInfo
    ) -> tuple[tuple[str, tuple[str, int]], ...]:
        """Raise ValueError if the bot serves a real Slack or a real account: DNS must not lead it to this machine."""
        urls = [info.data.get("slack_api_url", ""), info.data.get("digicert_base_url", "")]
        if servers and not all(map(is_loopback, urls)):
            raise ValueError
        return servers

    @property
    def console_url(self) -> str:
        """The address of CertCentral's web pages: as set, else on the host of the API's address."""
        parts = urlsplit(self.digicert_base_url)
        return self.digicert_console_url or f"{parts.scheme}://{parts.netloc}/secure"


class SocketModeSettings(Settings):
    """The settings for Socket Mode. Health checks are served if a port is set."""

    slack_app_token: _AppToken


class HttpModeSettings(Settings):
    """The settings for HTTP mode."""

    slack_signing_secret: _SigningSecret
    port: _Port = 3000
