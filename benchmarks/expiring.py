"""Home, `/dcv-status expiring` and the digest of an account of 2,000 domains, and what reading them costs."""

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.helpers import BOT, row, running, spread
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, SimulatedUser, Slack
from sandbox.slack.workspace.manifest import Manifest

DOMAINS = 2000
ANSWERS = 10
MANIFEST = Path(__file__).parents[1] / "manifest.yml"


async def expiring_seconds() -> None:
    """Measure the answers after the first reading, and the calls that a digest needs."""
    async with Slack() as slack, CertCentral() as certcentral:
        Manifest.read(MANIFEST).install(slack)
        certcentral.limits = ()
        ana, pki = slack.add_person("ana"), slack.add_channel("pki")
        now = datetime.now(UTC)
        for number in range(DOMAINS):
            certcentral.add_domain(
                number + 1,
                f"n{number}.example.com",
                pending=False,
                validated_until=now + timedelta(days=number % 199 + 1),
            )
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "digests.toml"
            file.write_text(f'[[digest]]\nchannel = "{pki.id}"\nat = "{now - timedelta(minutes=1):%H:%M}"\n')
            async with running(slack, certcentral, [ana], BOT, DCV_DIGEST_FILE=str(file)):
                began = time.perf_counter()
                await slack.sees_message(pki, "need you before", timeout=60)
                posted = time.perf_counter() - began
                calls = sum(call.path.endswith(("/domain", "/order/certificate")) for call in certcentral.calls)
                command, home = await _answers(slack, ana, pki)
    row(f"digest of {DOMAINS:,} domains, after the start", f"{posted:.1f} s", "aim: under 60 s")
    row("calls to DigiCert for that digest, and for the listing at the start", str(calls), "aim: 16 at most")
    row(f"/dcv-status expiring, {DOMAINS:,} domains", spread(command), "aim: under 1 s")
    row(f"Home, {DOMAINS:,} domains", spread(home), "aim: under 1 s")


async def _answers(slack: Slack, ana: SimulatedUser, pki: Channel) -> tuple[list[float], list[float]]:
    """Return the seconds of each answer of the command, and of each drawing of Home."""
    commands, homes = [], []
    for days in range(30, 30 + ANSWERS):
        began = time.perf_counter()
        await ana.command("/dcv-status", f"expiring {days}d", pki)
        await ana.receives(f"within {days} days")
        commands.append(time.perf_counter() - began)
        drawn = sum(call.method == "views.publish" for call in slack.api_calls)
        began = time.perf_counter()
        await ana.opens_home()
        await slack.wait_for(
            lambda drawn=drawn: sum(call.method == "views.publish" for call in slack.api_calls) > drawn, "Home", 30
        )
        homes.append(time.perf_counter() - began)
    return commands, homes
