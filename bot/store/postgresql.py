"""Options of every PostgreSQL connection of the bot, and ways to end one whose server is silent."""

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import psycopg
import sqlalchemy as sa

# In seconds. The driver accepts no less. A submit waits for less, and is then answered without the database.
CONNECT_SECONDS = 2
# Without these, either side waits for hours for a connection whose other end has vanished.
_GONE_AFTER = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 10_000}
_SERVER_GONE_AFTER = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}


# Classes 08 (no connection), 53 (no room), 57P (shut down, starting up) and state 25006 (a standby).
_STATES_AWAY = ("08", "53", "57P", "25006")
_REASONS_AWAY = ("starting up", "shutting down", "recovery", "not yet accepting", "too many", "connection slots")


def connect_args(purpose: str) -> dict[str, Any]:
    """Return the arguments to connect with. An operator sees `purpose` in the server's list of sessions."""
    return {
        "application_name": f"dcv-resend {purpose}",
        "client_encoding": "utf8",
        "connect_timeout": CONNECT_SECONDS,
        **_GONE_AFTER,
    }


def settings(values: Mapping[str, str], *, for_transaction: bool = False) -> str:
    """Return the statement that sets these values, for the session or only for the transaction."""
    until = "true" if for_transaction else "false"
    return "SELECT " + ", ".join(f"set_config('{name}', '{value}', {until})" for name, value in values.items())


def configure_sessions(engine: sa.Engine, values: Mapping[str, str]) -> None:
    """Apply these settings to every new connection. Not in its address, as connection poolers refuse that."""
    statement = settings({**_SERVER_GONE_AFTER, **values})

    def apply(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
        connection.commit()

    sa.event.listen(engine, "connect", apply)


def mark_disconnects(engine: sa.Engine) -> None:
    """Mark every error of a server that is unreachable or read-only as a lost connection, which DBOS retries.

    DBOS recognises such errors by some known texts. A missing socket, or a server that is still a standby, is not among
    them and would end the workflow.
    """

    def mark(context: sa.engine.ExceptionContext) -> None:
        error = context.original_exception
        unreachable = context.connection is None and isinstance(error, psycopg.OperationalError)
        if unreachable or isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            context.is_disconnect = True

    sa.event.listen(engine, "handle_error", mark)


def is_away(error: BaseException | None) -> bool:
    """Return True if the server cannot be reached, refuses connections, or cannot write at the moment."""
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | psycopg.errors.ReadOnlySqlTransaction):
        return False
    if error.sqlstate:
        return error.sqlstate.startswith(_STATES_AWAY)
    # The driver gives no state to a failed connection. A message of the server itself begins with FATAL.
    words = str(error)
    return "FATAL:" not in words or any(reason in words for reason in _REASONS_AWAY)


def pre_ping(engine: sa.Engine, seconds: float) -> None:
    """Ping each connection before the pool of an async engine hands it out, for `seconds` at most.

    A connection that does not answer is replaced. SQLAlchemy's own `pool_pre_ping` has no limit for a silent server.
    """

    def ping(connection: Any, _: Any, __: Any) -> None:
        timer = asyncio.get_running_loop().call_later(seconds, abort, connection.driver_connection)
        try:
            engine.dialect.do_ping(connection)
        except psycopg.Error as error:
            raise sa.exc.DisconnectionError(str(error)) from error
        finally:
            timer.cancel()

    sa.event.listen(engine, "checkout", ping)


def abort(connection: Any) -> None:
    """Shut down a driver's connection at once. Code that waits for its server gets an error. Safe to repeat."""
    if connection.closed:
        return
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as end:
        end.shutdown(socket.SHUT_RDWR)


def where(url: sa.URL) -> str:
    """Return host and database as a log may show them, without user and password."""
    host = url.host or url.query.get("host") or "this machine"
    shown = host if isinstance(host, str) else ",".join(host)
    return f"PostgreSQL at {shown}{f':{url.port}' if url.port else ''}/{url.database or url.username or ''}"
