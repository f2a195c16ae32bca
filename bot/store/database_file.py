"""The SQLite file: which one a URL names, whose it is, and who may read it and the files beside it."""

import fcntl
import os
import stat
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import sqlalchemy as sa

from bot.errors import ConfigurationError

PRIVATE = 0o600
# Far longer than a look at the lock of a running bot takes.
_RETRY_SECONDS = 0.1
_SIDE_FILES = ("-wal", "-shm", "-journal", ".lock", ".head")
# A byte that SQLite itself never locks (its own are around 2**30) and that no file reaches.
_LOCKED_BYTE = 2**62
_LOCK = "hhqqi"


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite URL, without symbolic links; None for another database."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    path = Path(parsed.database or ":memory:")
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise ConfigurationError([f"DATABASE_URL: {path} leads nowhere. Name a file the bot may write to."]) from error


def pinned(url: str) -> sa.URL:
    """Return a URL whose SQLite file keeps its meaning when a symbolic link or the working directory changes."""
    file = sqlite_file(url)
    return sa.make_url(url).set(database=str(file)) if file else sa.make_url(url)


def files_of(file: Path) -> list[Path]:
    """Return a SQLite file and those that belong to it, as far as they exist."""
    return [path for path in (file, *map(file.with_name, _beside(file))) if path.exists()]


def lock_file(file: Path) -> Path:
    """The file beside a SQLite file whose lock a running bot holds, and which tells its process id."""
    return file.with_name(f"{file.name}.lock")


class SameFile:
    """A path, and the file to which it led at first; another one may have taken its place since."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._first: tuple[int, int] | None = None

    def is_in_place(self) -> bool:
        """Return False if the file was moved, removed or replaced since this was first asked."""
        try:
            observation = self.path.stat()
        except OSError:
            return False
        found = (observation.st_dev, observation.st_ino)
        self._first = self._first or found
        return found == self._first


@contextmanager
def only_one_process(file: Path) -> Iterator[SameFile]:
    """Hold a database while the bot runs; ConfigurationError if another bot holds it. It ends with the process.

    Two locks: one on a file beside it, which says who holds it, and one on the database itself, which is found by
    whatever name a second bot has for it. The file is this user's alone afterwards.
    """
    with _opened(lock_file(file), f"beside {file}") as lock:
        if not _try_lock(lock):
            raise _in_use(file)
        # Closing this ends every lock that SQLite holds in this process: it stays open until SQLite is closed.
        with _opened(file, f"to {file}") as database:
            if not _lock_byte(database):
                raise _in_use(file)
            _require_one_name(database, file)
            held = SameFile(file)
            if not held.is_in_place() or os.fstat(database).st_ino != file.stat().st_ino:
                raise _in_use(file)
            for path in files_of(file):
                _make_private(path)
            os.ftruncate(lock, 0)
            os.write(lock, f"{os.getpid()}\n".encode())
            yield held


def has_another_name(file: Path) -> bool:
    """Return True if a file can be reached by a hard link: SQLite would then keep two write-ahead logs for it."""
    return file.exists() and file.stat().st_nlink > 1


def another_name(file: Path) -> ConfigurationError:
    """Return the problem of a file with hard links."""
    mend = "Remove the other name, or copy the file and use the copy."
    return ConfigurationError([f"DATABASE_URL: {file} has another name, a hard link. {mend}"])


def who_holds(file: Path) -> str | None:
    """Return the process of the bot that runs on a file; None if its locks are free. Disturbs no bot that starts."""
    with suppress(FileNotFoundError), lock_file(file).open(encoding="ascii") as lock:
        try:
            # Shared and for a moment: two who look do not see each other, and a bot that starts now tries again.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return f"process {lock.read(20).strip()}"
    with suppress(FileNotFoundError), file.open("rb") as database:
        if _is_byte_locked(database):
            return "a process that uses another name for the file"
    return None


def _in_use(file: Path) -> ConfigurationError:
    mend = "Stop it first, or give this one its own file."
    return ConfigurationError([f"DATABASE_URL: another bot is running on {file}. {mend}"])


@contextmanager
def _opened(path: Path, where: str) -> Iterator[int]:
    """Open a file, and make it if it is missing; yields the descriptor."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PRIVATE)
    except OSError as error:
        mend = "Name a folder the bot may write to."
        raise ConfigurationError([f"DATABASE_URL: cannot write {where} ({error.strerror}). {mend}"]) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(lock: int) -> bool:
    """Take the lock; tried twice, since whoever only looks if a bot holds it has it for a moment."""
    for pause in (_RETRY_SECONDS, 0.0):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause)
        else:
            return True
    return False


def _lock_byte(database: int) -> bool:
    """Lock one byte of the database; False if another process has it.

    By a lock of the open file (Linux): one of the process would end as soon as SQLite closes the file, and `flock`
    keeps SQLite itself out on network file systems. Elsewhere the lock beside the file is the only one.
    """
    wanted = struct.pack(_LOCK, fcntl.F_WRLCK, os.SEEK_SET, _LOCKED_BYTE, 1, 0)
    try:
        if command := getattr(fcntl, "F_OFD_SETLK", None):
            fcntl.fcntl(database, command, wanted)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        # A file system without such locks.
        return True
    return True


def _is_byte_locked(database: IO[bytes]) -> bool:
    wanted = struct.pack(_LOCK, fcntl.F_RDLCK, os.SEEK_SET, _LOCKED_BYTE, 1, 0)
    try:
        if command := getattr(fcntl, "F_OFD_GETLK", None):
            found = struct.unpack_from(_LOCK, fcntl.fcntl(database, command, wanted))
            return bool(found[0] != fcntl.F_UNLCK)
    except OSError:
        pass
    return False


def _require_one_name(database: int, file: Path) -> None:
    observation = os.fstat(database)
    if not stat.S_ISREG(observation.st_mode):
        raise ConfigurationError([f"DATABASE_URL: {file} is no ordinary file. Name a file on a disk."])
    if observation.st_nlink > 1:
        raise another_name(file)


def _make_private(path: Path) -> None:
    """Let only its owner read and write a file, if it is ours; `dcv-resend check` warns of those that are not."""
    with suppress(OSError):
        if stat.S_IMODE(path.stat().st_mode) != PRIVATE:
            path.chmod(PRIVATE)


def _beside(file: Path) -> Iterator[str]:
    return (f"{file.name}{result}" for result in _SIDE_FILES)
