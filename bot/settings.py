"""Environment and `.env` → one frozen `Settings`, checked in full before anything starts."""

import os
import re
import socket
from collections.abc import Callable, Mapping
from datetime import timedelta
from ipaddress import ip_address, ip_network
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit
from urllib.request import getproxies, proxy_bypass

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.errors import CannotStart

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
LogFormat = Literal["text", "json"]
TlsMode = Literal["require", "off"]

ENV_FILE = ".env"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = timedelta(days=365)
# Younger rows of the ledger are never pruned.
_LONGEST_COUNTED = timedelta(days=30)
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_TLS_MODES = frozenset({"require", "verify-ca", "verify-full"})
# People paste a token into the line above or below the right one; such a value is not repeated.
_MAY_BE_SECRET = re.compile(r"xox|xapp|://[^/]*@|[A-Za-z0-9+/=_-]{20,}", re.IGNORECASE)

_MEND_BOT = 'copy the "Bot User OAuth Token" (xoxb-…) from "OAuth & Permissions" of your Slack app'
_MEND_APP = 'make an "App-Level Token" (xapp-…) with the scope connections:write under "Basic Information"'
_MEND_SIGNING = 'copy the "Signing Secret" from "Basic Information" of your Slack app'
_MEND_KEY = "make an API key for a service user in CertCentral and copy it"
_USER_ID = 'a user id (U… or W…), which a Slack profile shows under "Copy member ID"'
_GROUP_ID = 'a user group id (S…), which a group\'s page in Slack shows under "Copy group ID"'
_CHANNEL_ID = "a channel id (C… or G…), which stands at the end of a channel's details in Slack"


def is_loopback(url: str) -> bool:
    """True where the host of `url` is this machine: `localhost`, 127.0.0.0/8 or ::1."""
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

    The driver reads more than the URL: PGHOST, PGHOSTADDR and PGSERVICE fill in what it leaves out.
    Source: PostgreSQL, "Connection Strings" and "Environment Variables" of libpq.
    """
    parts, query = urlsplit(database_url), _query(database_url)
    if not parts.scheme.startswith("postgresql") or query.get("sslmode") in _TLS_MODES:
        return False
    if "conninfo" in query or _service(query):
        # Both can name another host.
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
    """Return the parameters of a URL; those that are there several times are joined by commas, as the driver does."""
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

    ValueError if it asks for less.
    """
    if not may_cross_a_network_in_clear(url):
        return url
    query = _query(url)
    mend = "Write sslmode=require or verify-full, or set DATABASE_TLS=off"
    if "sslmode" in query:
        raise ValueError(f"asks for sslmode={_shown(query['sslmode'])}, which may not encrypt. {mend}.")
    if _service(query):
        raise ValueError(f"leaves its host or its sslmode to a service file. {mend}.")
    # What the driver would do by itself is at least as much here.
    mode = os.environ.get("PGSSLMODE", "")
    if "system" in (query.get("sslrootcert"), os.environ.get("PGSSLROOTCERT")):
        mode = "verify-full"
    return f"{url}{'&' if '?' in url else '?'}sslmode={mode if mode in _TLS_MODES else 'require'}"


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for `url`, or None to go there directly; loopback never has one.

    Follows HTTPS_PROXY, HTTP_PROXY and NO_PROXY as urllib reads them, and treats `wss` like `https`.
    The answer may hold a password: keep it out of logs.
    """
    parts = urlsplit(url)
    scheme = {"wss": "https", "ws": "http"}.get(parts.scheme, parts.scheme)
    proxy = getproxies().get(scheme)
    if not proxy or is_loopback(url) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _shown(value: str) -> str:
    """`value` as an error line may show it: short, printable, and nothing of it where it may be a secret."""
    if _MAY_BE_SECRET.search(value):
        return "what it holds"
    printable = "".join(letter if letter.isprintable() else "?" for letter in value)
    return f'"{printable[:40]}"'


def _parsed(read: Callable[[str], object]) -> BeforeValidator:
    """Let `read` turn text into the value; what is no text (a default, a test's value) passes as it is."""

    def validate(value: object) -> object:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        return read(text) if isinstance(text, str) else text

    return BeforeValidator(validate)


def _items(text: str) -> list[str]:
    return [item for item in re.split(r"[\s,]+", text) if item]


def _read_secret(prefix: str, mend: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not text.startswith(prefix):
            raise ValueError(f"must start with {prefix}: {mend}.")
        if not re.fullmatch(r"[!-~]+", text.removeprefix(prefix)):
            raise ValueError(f"is cut short or holds a space or a stray character: {mend}.")
        return text

    return read


def _read_ids(letters: str, mend: str) -> Callable[[str], frozenset[str]]:
    def read(text: str) -> frozenset[str]:
        items = _items(text)
        strange = [item for item in items if not re.fullmatch(f"[{letters}][A-Z0-9]+", item)]
        if strange:
            shown = ", ".join(dict.fromkeys(_shown(item) for item in strange[:3]))
            raise ValueError(f"takes ids separated by commas, not {shown}: write {mend}.")
        return frozenset(items)

    return read


def _read_duration(text: str) -> timedelta:
    match = re.fullmatch(r"([0-9]{1,8})([smhd])", text)
    duration = timedelta(seconds=int(match[1]) * _SECONDS[match[2]]) if match else timedelta(0)
    if not timedelta(0) < duration <= _LONGEST:
        raise ValueError(f"takes a duration such as 45s, 5m, 2h or 1d (365d at most), not {_shown(text)}.")
    return duration


def _read_durations(text: str) -> tuple[timedelta, ...]:
    if text.lower() == "none":
        return ()
    durations = tuple(_read_duration(item) for item in _items(text))
    if not durations or list(durations) != sorted(set(durations)):
        raise ValueError("must count from the resend, shortest first and each one once, such as 5m,30m,2h; or none.")
    return durations


def _read_person_limits(text: str) -> tuple[tuple[int, float], ...]:
    limits = _read_limits(text, "30/10m,100/1d")
    if limits[-1][1] > _LONGEST_COUNTED.total_seconds():
        raise ValueError(f"counts {_LONGEST_COUNTED.days} days at most, such as 30/10m,100/1d.")
    return limits


def _read_limits(text: str, example: str = "100/5s,1000/3m") -> tuple[tuple[int, float], ...]:
    limits = tuple(_read_limit(item, example) for item in _items(text))
    # Each must be longer, larger and slower than the one before; otherwise one of the two could never bind.
    for (calls, seconds), (more_calls, more_seconds) in pairwise(limits):
        if more_seconds <= seconds or more_calls <= calls or more_calls / more_seconds > calls / seconds:
            raise ValueError(f"must go from the short burst to the long run, such as {example}.")
    if not limits:
        raise ValueError(f"takes a number per time such as {example}.")
    return limits


def _read_limit(text: str, example: str) -> tuple[int, float]:
    match = re.fullmatch(r"([0-9]{1,8})/([0-9]{1,6})([smhd])", text)
    calls, seconds = (int(match[1]), int(match[2]) * _SECONDS[match[3]]) if match else (0, 0)
    if not calls or not seconds:
        raise ValueError(f"takes a number per time such as {example}, not {_shown(text)}.")
    return calls, float(seconds)


def _read_base_url(text: str) -> str:
    example = "such as https://host/path"
    try:
        parts = urlsplit(text)
        whole = bool(parts.hostname) and parts.scheme in {"http", "https"} and parts.port != 0
    except ValueError:
        whole = False
    if not whole or not re.fullmatch(r"[!-\[\]-~]+", text):
        raise ValueError(f"must be a whole address {example}.")
    if "@" in parts.netloc or "?" in text or "#" in text:
        raise ValueError(f"must hold no user name, password, query or fragment, only an address {example}.")
    if parts.scheme != "https" and not is_loopback(text):
        raise ValueError("must start with https://, because secrets are sent there; http:// is for this machine alone.")
    return text.rstrip("/")


def _read_database_url(text: str) -> str:
    scheme, _, rest = text.partition("://")
    driver = _DRIVERS.get(scheme.lower(), "") if text.isprintable() else ""
    if driver.startswith("sqlite"):
        _check_sqlite(rest)
    elif driver:
        _check_postgresql(rest)
    else:
        raise ValueError("must start with sqlite:/// (a file) or postgresql://.")
    return f"{driver}://{rest}"


def _check_sqlite(rest: str) -> None:
    file, _, query = rest.partition("?")
    if not file.startswith("/") or file in {"/", "/:memory:"}:
        raise ValueError("must name a file, so that nothing is forgotten: sqlite:///name.db, with three slashes.")
    if file.startswith("/file:") or "uri" in dict(parse_qsl(query, keep_blank_values=True)):
        raise ValueError("must name the file by its path, not as a URI of SQLite: sqlite:///name.db.")


def _check_postgresql(rest: str) -> None:
    """Refuse what the driver would read otherwise than it was meant; its own message could repeat the password."""
    try:
        parts = urlsplit(f"//{rest}")
        plain = rest.count("@") == parts.netloc.count("@") <= 1 and "#" not in rest and parts.port != 0
    except ValueError:
        plain = False
    if not rest.strip("/") or not plain:
        raise ValueError(
            "must look like postgresql://user:password@host:5432/name; "
            "in the password write @ as %40, : as %3A, / as %2F, # as %23 and ? as %3F."
        )


def _read_host(text: str) -> str:
    host = text.removeprefix("[").removesuffix("]")
    try:
        return str(ip_address(host))
    except ValueError:
        if re.fullmatch(r"[A-Za-z0-9._-]+", text):
            return text
        raise ValueError(f"takes an address to listen on such as 127.0.0.1 or 0.0.0.0, not {_shown(text)}.") from None


def _read_port(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,5}", text) and 0 < int(text) < 65536:
        return int(text)
    raise ValueError(f"takes a port number from 1 to 65535, not {_shown(text)}.")


def _read_switch(text: str) -> bool:
    switches = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)
    if text.lower() not in switches:
        raise ValueError(f"takes true or false, not {_shown(text)}.")
    return switches[text.lower()]


def _read_word(pattern: str, wanted: str, change: Callable[[str], str] = str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not re.fullmatch(pattern, change(text)):
            raise ValueError(f"takes {wanted}, not {_shown(text)}.")
        return change(text)

    return read


_AppToken = Annotated[SecretStr, _parsed(_read_secret("xapp-", _MEND_APP))]
_SigningSecret = Annotated[SecretStr, _parsed(_read_secret("", _MEND_SIGNING))]
_Port = Annotated[int, _parsed(_read_port)]
_Ids = Annotated[frozenset[str], NoDecode]
_Durations = Annotated[tuple[timedelta, ...], NoDecode, _parsed(_read_durations)]
_Limits = Annotated[tuple[tuple[int, float], ...], NoDecode, _parsed(_read_limits)]


class DatabaseSettings(BaseSettings):
    """Where the ledger lives: all that a look at it needs, made with `load` too."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    # Before the URL, whose reading depends on it.
    database_tls: Annotated[TlsMode, _parsed(_read_word("require|off", "require or off", str.lower))] = "require"
    database_url: Annotated[SecretStr, _parsed(_read_database_url)] = SecretStr("sqlite:///dcv-resend.db")

    @field_validator("database_url")
    @classmethod
    def _encrypt(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        return SecretStr(_with_tls(url.get_secret_value())) if info.data.get("database_tls") == "require" else url

    @model_validator(mode="before")
    @classmethod
    def _drop_what_is_empty(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        stripped = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
        return {name: value for name, value in stripped.items() if value != ""}

    @classmethod
    def load(cls, env_file: str | Path | None = ENV_FILE) -> Self:
        """Read the environment, and `env_file` for what it leaves unset; a missing file is no problem.

        Raises CannotStart with one line for every setting that is missing or malformed; no line shows a secret.
        """
        options: dict[str, Any] = {"_env_file": env_file}
        try:
            return cls(**options)
        except ValidationError as error:
            problems = [cls._problem(detail) for detail in error.errors(include_url=False, include_input=False)]
        except (OSError, UnicodeDecodeError):
            problems = [f"{env_file} cannot be read: make it a UTF-8 text file that the bot may read."]
        # Raised outside of the handlers, so that no chained traceback carries what was typed.
        raise CannotStart(problems)

    @classmethod
    def _problem(cls, detail: ErrorDetails) -> str:
        name = str(detail["loc"][0])
        if detail["type"] == "missing":
            return f"{name.upper()} is not set: {cls.model_fields[name].description}."
        return f"{name.upper()} {detail['ctx']['error']}"


class Settings(DatabaseSettings):
    """All that an operator can set, in the types the code uses; lower-case names of the environment's variables.

    What is needed to serve by a mode is in a class of its own; here any of it may be left out.
    Make it with `load`. The constructor is for tests: it reads the environment too and raises pydantic's own errors.
    """

    slack_bot_token: Annotated[SecretStr, _parsed(_read_secret("xoxb-", _MEND_BOT))] = Field(description=_MEND_BOT)
    slack_app_token: _AppToken | None = None
    slack_signing_secret: _SigningSecret | None = None
    slack_api_url: Annotated[str, _parsed(lambda text: _read_base_url(text) + "/")] = "https://slack.com/api/"
    digicert_api_key: Annotated[SecretStr, _parsed(_read_secret("", _MEND_KEY))] = Field(description=_MEND_KEY)
    digicert_base_url: Annotated[str, _parsed(_read_base_url)] = "https://www.digicert.com/services/v2"
    digicert_console_url: Annotated[str | None, _parsed(_read_base_url)] = None

    dcv_allowed_users: Annotated[_Ids, _parsed(_read_ids("UW", _USER_ID))] = frozenset()
    dcv_allowed_usergroups: Annotated[_Ids, _parsed(_read_ids("S", _GROUP_ID))] = frozenset()
    dcv_policy_file: Annotated[
        str | None, _parsed(_read_word(r".+\.toml", "the path of a TOML file such as policy.toml"))
    ] = None
    dcv_alert_channels: Annotated[_Ids, _parsed(_read_ids("CG", _CHANNEL_ID))] = frozenset()

    dcv_cooldown: Annotated[timedelta, _parsed(_read_duration)] = timedelta(minutes=15)
    dcv_follow_ups: _Durations = _read_durations("2m,5m,10m,20m,30m,2h,8h,1d,3d")
    dcv_nudges: _Durations = _read_durations("30m,8h,1d")
    dcv_email_end_note: Annotated[bool, _parsed(_read_switch)] = True
    dcv_locale: Annotated[
        str, _parsed(_read_word("[A-Za-z]{2,3}([_-][A-Za-z]{2,4})?", "a language code such as en, de or zh_CN"))
    ] = "en"
    dcv_person_limits: Annotated[tuple[tuple[int, float], ...], NoDecode, _parsed(_read_person_limits)] = (
        _read_person_limits("30/10m")
    )
    digicert_limits: _Limits = ((100, 5.0), (1000, 180.0))

    dcv_instance: Annotated[
        str, _parsed(_read_word(r"[A-Za-z0-9._-]{1,64}", "a name of letters, digits, dots and hyphens (64 at most)"))
    ] = Field(default_factory=socket.gethostname)
    host: Annotated[str, _parsed(_read_host)] = "127.0.0.1"
    port: _Port | None = None
    log_level: Annotated[
        LogLevel, _parsed(_read_word("DEBUG|INFO|WARNING|ERROR|CRITICAL", "DEBUG, INFO, WARNING or ERROR", str.upper))
    ] = "INFO"
    log_format: Annotated[LogFormat, _parsed(_read_word("text|json", "text or json", str.lower))] = "text"

    @property
    def console_url(self) -> str:
        """The address of CertCentral's pages for people: as set, else on the host that the API's address names."""
        parts = urlsplit(self.digicert_base_url)
        return self.digicert_console_url or f"{parts.scheme}://{parts.netloc}/secure"


class SocketModeSettings(Settings):
    """What serving by Socket Mode needs; health is told where a port is set."""

    slack_app_token: _AppToken = Field(description=_MEND_APP)


class HttpModeSettings(Settings):
    """What serving by HTTP needs."""

    slack_signing_secret: _SigningSecret = Field(description=_MEND_SIGNING)
    port: _Port = 3000
