"""Shared helpers of the measurements: the process under test, and the format of figures."""

import contextlib
import json
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import SimulatedUser, Slack

PYTHON = Path(sys.executable).name
BOT = ("dcv-resend", "run")
BARE = (PYTHON, "-m", "benchmarks.bare_app")
DATABASE = "bench.db"


# Set if another program reads the results: one JSON object on each line.
AS_JSON = "DCV_BENCH_JSON"


def row(what: str, figure: str, aim: str = "") -> None:
    """Print one result."""
    as_json = AS_JSON in os.environ
    line = json.dumps({"what": what, "figure": figure}) if as_json else f"{what:<58} {figure:>30}  {aim}"
    print(line, flush=True)  # noqa: T201 - a benchmark talks


@contextlib.asynccontextmanager
async def running(
    slack: Slack, certcentral: CertCentral, people: Sequence[SimulatedUser], command: Sequence[str], **more: str
) -> AsyncIterator[BotProcess]:
    """Run one connected process that these people may use. `more` are further settings."""
    with tempfile.TemporaryDirectory(prefix="dcv-resend-bench-") as folder:
        settings = {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
            "DIGICERT_API_KEY": certcentral.key,
            "DIGICERT_BASE_URL": certcentral.url,
            "DIGICERT_LIMITS": "1000/1s",
            "DCV_PERSON_LIMITS": "1000/1m",
            "DCV_ALLOWED_USERS": ",".join(person.id for person in people),
            "DATABASE_URL": f"sqlite:///{folder}/{DATABASE}",
            "LOG_LEVEL": "WARNING",
            "PYTHONPATH": str(Path(__file__).parent.parent),
            **more,
        }
        process = BotProcess(settings, Path(folder) / "bench.log", command)
        await process.start()
        try:
            await slack.wait_for_connection(30)
            yield process
        finally:
            await process.ensure_stopped()
            await slack.changes.wait_for(lambda: slack.sockets == 0, what="the socket to close")


def database_of(process: BotProcess) -> Path:
    """Return the path of the process's SQLite file."""
    return process.log_file.with_name(DATABASE)


def memory(pid: int) -> float:
    """Return the resident memory of a process, in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def is_idle(pid: int) -> bool:
    """Return if every thread of a process sleeps: none is running, ready to run, or waiting for a disk."""
    stats = (stat.read_text() for stat in Path(f"/proc/{pid}/task").glob("*/stat"))
    return all(stat.rpartition(")")[2].split()[0] == "S" for stat in stats)


def cpu_seconds(pid: int) -> float:
    """Return the processor seconds that all threads of a process have used so far, to a hundredth."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def spread(seconds: Sequence[float]) -> str:
    """Format the median and the worst time, in milliseconds."""
    return f"{_ms(statistics.median(seconds))} (worst {_ms(max(seconds))})"


def tail(seconds: Sequence[float]) -> str:
    """Format the 50th and the 99th percentile, in milliseconds."""
    ordered = sorted(seconds)
    return f"p50 {_ms(ordered[len(ordered) // 2])}, p99 {_ms(ordered[len(ordered) * 99 // 100])}"


def _ms(seconds: float) -> str:
    """Format milliseconds, with decimals for small values: comparing two runs takes more than one digit."""
    return f"{seconds * 1000:.{0 if seconds >= 0.01 else 2}f} ms"
