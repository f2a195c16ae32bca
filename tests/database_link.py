"""The wire between one bot and its PostgreSQL, which a test can make silent: what was asked arrives, answers do not."""

import asyncio
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from typing import Self

import psycopg.conninfo

_CHUNK = 65536


class DatabaseLink:
    """A server that passes everything on to that of `url`; its own `url` leads a bot through it.

    With `falls_silent_after` it holds all answers back once it has passed on the COMMIT of a transaction that held
    these bytes. With `is_cut_at` every connection ends as a statement with those bytes is asked, and none begins, until
    it is `restored`.
    """

    def __init__(self, url: str, falls_silent_after: bytes | None = None, is_cut_at: bytes | None = None) -> None:
        self._to = psycopg.conninfo.conninfo_to_dict(url)
        self._folder = tempfile.TemporaryDirectory(prefix="dcv-link-", dir="/tmp")
        self._mark = falls_silent_after
        self._cut_mark = is_cut_at
        self.cut = asyncio.Event()
        """Set while nothing can be reached."""
        self._may_answer = asyncio.Event()
        self._may_answer.set()
        self.unreachable = asyncio.Event()
        """Set once it fell silent by itself."""
        self._tasks: set[asyncio.Task[object]] = set()

    @property
    def url(self) -> str:
        """The address that the bot uses instead of the server's own."""
        words = {**self._to, "host": self._folder.name, "port": "5432"}
        query = "&".join(f"{name}={words[name]}" for name in ("host", "port"))
        return f"postgresql://{words.get('user')}:{words.get('password', '')}@/{words['dbname']}?{query}"

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._serve, Path(self._folder.name) / ".s.PGSQL.5432")
        return self

    async def __aexit__(self, *_: object) -> None:
        """End every connection."""
        self._server.close()
        self._may_answer.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._folder.cleanup()

    def fall_silent(self) -> None:
        """Hold every answer back from now on."""
        self._may_answer.clear()
        self.unreachable.set()

    def fall_silent_after(self, mark: bytes) -> None:
        """Hold every answer back once the COMMIT of a transaction that holds these bytes was passed on."""
        self.unreachable.clear()
        self._mark = mark

    def speak(self) -> None:
        """Pass on what was held back, and all that follows."""
        self._mark = None
        self._may_answer.set()

    def restore(self) -> None:
        """Let connections begin again."""
        self._cut_mark = None
        self.cut.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.cut.is_set():
            writer.close()
            return
        if task := asyncio.current_task():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        with closing(writer), suppress(OSError, asyncio.CancelledError):
            there, asks = await self._connect()
            with closing(asks):
                await asyncio.gather(self._ask(reader, asks), self._answer(there, writer))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = str(self._to.get("host")), int(self._to.get("port") or 5432)
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_marked = False
        while data := await reader.read(_CHUNK):
            if self._cut_mark is not None and self._cut_mark in data:
                self.cut.set()
                for task in self._tasks:
                    task.cancel()
            if self._mark is not None:
                is_marked = is_marked or self._mark in data
                if is_marked and b"COMMIT" in data:
                    self.fall_silent()
            writer.write(data)
            await writer.drain()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            await self._may_answer.wait()
            writer.write(data)
            await writer.drain()
        writer.close()
