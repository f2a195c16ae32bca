"""The SQLite file: its path, the lock of the one bot that uses it, and the permissions of it and its side files."""

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
# Far longer than `who_holds` has the lock.
_RETRY_SECONDS = 0.1
_SIDE_FILES = ("-wal", "-shm", "-journal", ".lock", ".head")
# A byte that SQLite itself never locks (its own are around 2**30) and that no file reaches.
_LOCKED_BYTE = 2**62
_LOCK = "hhqqi"


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite URL, without symbolic links; None for another database.

    Raises ConfigurationError if the path cannot be resolved.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    path = Path(parsed.database or ":memory:")
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise ConfigurationError(
            [f"DATABASE_URL: the link {path} leads nowhere. Use a file that the bot can write."]
        ) from error


def pinned(url: str) -> sa.URL:
    """Return a URL with an absolute SQLite path: a changed symbolic link or working directory does not affect it."""
    file = sqlite_file(url)
    return sa.make_url(url).set(database=str(file)) if file else sa.make_url(url)


def files_of(file: Path) -> list[Path]:
    """Return those of a SQLite file and its side files that exist."""
    return [path for path in (file, *map(file.with_name, _beside(file))) if path.exists()]


def lock_file(file: Path) -> Path:
    """Return the path of the lock file beside a SQLite file. A running bot locks it and writes its process id there."""
    return file.with_name(f"{file.name}.lock")


class SameFile:
    """A path, and the file that was there first, to notice when another file replaces it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._first: tuple[int, int] | None = None

    def is_in_place(self) -> bool:
        """Return False if the file was moved, removed or replaced since the first call."""
        try:
            status = self.path.stat()
        except OSError:
            return False
        found = (status.st_dev, status.st_ino)
        self._first = self._first or found
        return found == self._first


@contextmanager
def only_one_process(file: Path) -> Iterator[SameFile]:
    """Lock a database file while the bot runs. The operating system releases the locks if the process dies.

    There are two locks. The one on a file beside the database names the process. The one on the database itself also
    stops a second bot that uses another name for the same file. Makes the files private to their owner. Raises
    ConfigurationError if another bot has either lock.
    """
    with _opened(lock_file(file), f"beside {file}") as lock:
        if not _try_lock(lock):
            raise _in_use(file)
        # Closing this would end every lock that SQLite has in this process (POSIX), so it stays open until the end.
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
    """Return True if a file has a hard link: SQLite would use a separate write-ahead log for each name."""
    return file.exists() and file.stat().st_nlink > 1


def another_name(file: Path) -> ConfigurationError:
    """Return the error for a file with hard links."""
    mend = "Remove the other link, or copy the file and use the copy."
    return ConfigurationError([f"DATABASE_URL: {file} has a hard link. {mend}"])


def who_holds(file: Path) -> str | None:
    """Return the process of the bot that uses a file; None if its locks are free. Never disturbs a bot that starts."""
    with suppress(FileNotFoundError), lock_file(file).open(encoding="ascii") as lock:
        try:
            # Shared and brief: two inspections do not see each other, and a bot that starts meanwhile tries again.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return f"process {lock.read(20).strip()}"
    with suppress(FileNotFoundError), file.open("rb") as database:
        if _is_byte_locked(database):
            return "a process that uses another name for the file"
    return None


def _in_use(file: Path) -> ConfigurationError:
    mend = "Stop it, or use a different file."
    return ConfigurationError([f"DATABASE_URL: another bot is using {file}. {mend}"])


@contextmanager
def _opened(path: Path, where: str) -> Iterator[int]:
    """Open a file, created if it is missing, and yield its descriptor. Raises ConfigurationError if it cannot be."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PRIVATE)
    except OSError as error:
        mend = "Use a folder that the bot can write."
        raise ConfigurationError([f"DATABASE_URL: can't write {where} ({error.strerror}). {mend}"]) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(lock: int) -> bool:
    """Acquire the lock. Return False if another bot has it. Tries twice, as `who_holds` has the lock for a moment."""
    for pause in (_RETRY_SECONDS, 0.0):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause)
        else:
            return True
    return False


def _lock_byte(database: int) -> bool:
    """Lock one byte of the database. Return False if another process has it.

    Uses a lock of the open file description (Linux). A lock of the process would end as soon as SQLite closes the file,
    and `flock` would block SQLite itself on network file systems. On other systems the lock beside the file is the only
    one.
    """
    wanted = struct.pack(_LOCK, fcntl.F_WRLCK, os.SEEK_SET, _LOCKED_BYTE, 1, 0)
    try:
        if command := getattr(fcntl, "F_OFD_SETLK", None):
            fcntl.fcntl(database, command, wanted)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        # The file system has no such locks; the lock beside the file must do.
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
    status = os.fstat(database)
    if not stat.S_ISREG(status.st_mode):
        raise ConfigurationError([f"DATABASE_URL: {file} isn't a regular file. Use a file on a disk."])
    if status.st_nlink > 1:
        raise another_name(file)


def _make_private(path: Path) -> None:
    """Restrict a file to its owner, if that is this user; `dcv-resend check` warns about files of other users."""
    with suppress(OSError):
        if stat.S_IMODE(path.stat().st_mode) != PRIVATE:
            path.chmod(PRIVATE)


def _beside(file: Path) -> Iterator[str]:
    return (f"{file.name}{suffix}" for suffix in _SIDE_FILES)
