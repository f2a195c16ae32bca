"""What every PostgreSQL connection of the bot is told, and how one is ended whose server is silent."""

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import psycopg
import sqlalchemy as sa

# Seconds, and the least that the driver takes; a submit waits less and is then answered without the database.
CONNECT_SECONDS = 2
# Without these a connection whose other end has vanished is waited for for hours, by either side.
_GONE_AFTER = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 10_000}
_SERVER_GONE_AFTER = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}


# Classes 08 (no connection), 53 (no room), 57P (shut down, starting up) and state 25006 (a standby).
_STATES_AWAY = ("08", "53", "57P", "25006")
_REASONS_AWAY = ("starting up", "shutting down", "recovery", "not yet accepting", "too many", "connection slots")


def connect_args(purpose: str) -> dict[str, Any]:
    """How to connect; the purpose is shown to whoever looks at the server's sessions."""
    return {
        "application_name": f"dcv-resend {purpose}",
        "client_encoding": "utf8",
        "connect_timeout": CONNECT_SECONDS,
        **_GONE_AFTER,
    }


def settings(values: Mapping[str, str], *, for_transaction: bool = False) -> str:
    """The statement that sets these, for the session or for the transaction alone."""
    until = "true" if for_transaction else "false"
    return "SELECT " + ", ".join(f"set_config('{name}', '{value}', {until})" for name, value in values.items())


def configure_sessions(engine: sa.Engine, values: Mapping[str, str]) -> None:
    """Give every new connection these settings for its whole life; not by its address, which poolers refuse."""
    statement = settings({**_SERVER_GONE_AFTER, **values})

    def tell(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
        connection.commit()

    sa.event.listen(engine, "connect", tell)


def mark_disconnects(engine: sa.Engine) -> None:
    """Mark every error of a server that is away or cannot write as a lost connection, which DBOS waits out.

    DBOS tells such an error by its words, of which it knows some: a socket that is not there, or a server that is
    still a standby, would end the flow instead.
    """

    def mark(context: sa.engine.ExceptionContext) -> None:
        error = context.original_exception
        unreachable = context.connection is None and isinstance(error, psycopg.OperationalError)
        if unreachable or isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            context.is_disconnect = True

    sa.event.listen(engine, "handle_error", mark)


def is_away(error: BaseException | None) -> bool:
    """If the server cannot be reached, or does not take connections or write at the moment."""
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | psycopg.errors.ReadOnlySqlTransaction):
        return False
    if error.sqlstate:
        return error.sqlstate.startswith(_STATES_AWAY)
    # The driver gives no state to a connection that failed. What the server itself said begins with FATAL.
    words = str(error)
    return "FATAL:" not in words or any(reason in words for reason in _REASONS_AWAY)


def pre_ping(engine: sa.Engine, seconds: float) -> None:
    """Let no connection out of the pool of an async engine whose server does not answer, or not in `seconds`.

    Like SQLAlchemy's own `pool_pre_ping`, which would wait for a silent server for as long as it is silent.
    """

    def ask(connection: Any, _: Any, __: Any) -> None:
        timer = asyncio.get_running_loop().call_later(seconds, abort, connection.driver_connection)
        try:
            engine.dialect.do_ping(connection)
        except psycopg.Error as error:
            raise sa.exc.DisconnectionError(str(error)) from error
        finally:
            timer.cancel()

    sa.event.listen(engine, "checkout", ask)


def abort(connection: Any) -> None:
    """End a driver's connection at once and from outside: whoever waits for its server is told that it is gone."""
    if connection.closed:
        return
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as end:
        end.shutdown(socket.SHUT_RDWR)


def where(url: sa.URL) -> str:
    """Host and database as a log may show them."""
    host = url.host or url.query.get("host") or "this machine"
    shown = host if isinstance(host, str) else ",".join(host)
    return f"PostgreSQL at {shown}{f':{url.port}' if url.port else ''}/{url.database or url.username or ''}"
