"""A process that makes a SQLite file slow, as a backup may: it repeatedly holds the write lock until it is killed.

Every writer meets the lock held for a quarter of a second, and finds it free for as long. Prints a line as it begins.
"""

import sqlite3
import sys
import time
from contextlib import closing

HELD, FREE = 0.25, 0.25


def main(file: str) -> None:
    """Hold and release the lock until killed."""
    with closing(sqlite3.connect(file, isolation_level=None, timeout=5.0)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        print("busy", flush=True)  # noqa: T201 - the parent process waits for this line
        while True:
            time.sleep(HELD)
            connection.execute("ROLLBACK")
            time.sleep(FREE)
            connection.execute("BEGIN IMMEDIATE")


main(sys.argv[1])
