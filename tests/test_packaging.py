"""What adopters install: a wheel that needs no checkout, an image, a compose file and a systemd unit."""

import re
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
import yaml
from hatchling.builders.wheel import WheelBuilder

from bot.settings import Settings
from bot.store import migrations

ROOT = Path(__file__).parents[1]
UID = "10001"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Return the wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    (path,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    (path,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return Parser().parsestr(wheel.read(path).decode())


@pytest.fixture(scope="module")
def compose() -> dict[str, dict[str, object]]:
    loaded: dict[str, dict[str, object]] = yaml.safe_load((ROOT / "compose.yml").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def unit() -> list[tuple[str, str]]:
    """Return the directives of the systemd unit, in order."""
    text = (ROOT / "deploy" / "dcv-resend.service").read_text(encoding="utf-8")
    return re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)


def test_the_wheel_has_every_file_of_the_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = [path for folder in ("bot", "handlers") for path in (ROOT / folder).rglob("*") if path.is_file()]
    source = {str(path.relative_to(ROOT)) for path in files if path.parent.name != "__pycache__"}

    assert packed == source
    assert packed >= {"bot/py.typed", "handlers/py.typed"}


def test_the_wheel_has_the_migrations(wheel: zipfile.ZipFile) -> None:
    folder = Path(migrations.__path__[0]).relative_to(ROOT)

    assert f"{folder}/env.py" in wheel.namelist()
    assert any(name.startswith(f"{folder}/versions/m0001") for name in wheel.namelist())


def test_the_wheel_has_the_command_and_the_license(wheel: zipfile.ZipFile, metadata: Message) -> None:
    (entry_points,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]

    assert "dcv-resend = handlers.cli.main:main" in wheel.read(entry_points).decode()
    assert metadata["License-Expression"] == "MIT"
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_each_package_for_the_build_is_one_of_the_locked_versions() -> None:
    """The image builds the wheel with these, and `make` with those of dev.txt."""
    build, dev = ((ROOT / "requirements" / name).read_text(encoding="utf-8") for name in ("build.txt", "dev.txt"))
    pinned = re.findall(r"^\S+==\S+ \\(?:\n    --hash=\S+(?: \\)?)+", build, re.MULTILINE)

    assert "hatchling" in build
    assert len(pinned) == build.count("==")
    assert [each for each in pinned if each not in dev] == []


def test_the_image_is_built_from_files_that_exist() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}
    copied = {
        name for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile, re.MULTILINE) for name in line.split()[:-1]
    }

    assert copied == sent
    assert [name for name in sent if not (ROOT / name).exists()] == []


def test_the_image_runs_as_a_user_without_rights_and_reports_its_health() -> None:
    build, last = re.split(r"^FROM .*$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    installs = [
        each for each in re.split(r"^[A-Z]+ |&&", build, flags=re.MULTILINE) if re.search(r" pip .*install", each)
    ]

    assert len(installs) == 3
    assert [each for each in installs if "--require-hashes" not in each and "--no-index" not in each] == []
    assert f"USER {UID}:{UID}" in last
    assert "pip" not in last
    assert "/healthz" in last.partition("HEALTHCHECK")[2]
    assert {"DATABASE_URL", "LOG_FORMAT", "HOST", "PORT"} <= set(re.findall(r"([A-Z_]{4,})=", last))


def test_compose_never_runs_bots_on_two_databases_at_once(compose: dict[str, dict[str, dict[str, object]]]) -> None:
    profiles = {name: service["profiles"] for name, service in compose["services"].items()}
    databases = {
        (str(service["profiles"]), service["environment"]["DATABASE_URL"])  # type: ignore[index]
        for name, service in compose["services"].items()
        if name.startswith("bot")
    }

    assert profiles == {
        "bot": ["sqlite"],
        "bot-1": ["postgresql"],
        "bot-2": ["postgresql"],
        "postgresql": ["postgresql"],
    }
    assert len(databases) == 2


def test_what_compose_mounts_and_sets_exists(compose: dict[str, dict[str, dict[str, object]]]) -> None:
    services = compose["services"].values()
    mounted = {str(volume).partition(":")[0] for service in services for volume in service["volumes"]}  # type: ignore[attr-defined]
    bots = [service for name, service in compose["services"].items() if name.startswith("bot")]
    named = {name for bot in bots for name in bot["environment"]}  # type: ignore[attr-defined]

    assert mounted == set(compose["volumes"])
    assert named <= {name.upper() for name in Settings.model_fields}
    assert [bot for bot in bots if not bot["read_only"] or bot["cap_drop"] != ["ALL"]] == []


def test_two_instances_have_two_names(compose: dict[str, dict[str, dict[str, dict[str, str]]]]) -> None:
    names = [compose["services"][bot]["environment"]["DCV_INSTANCE"] for bot in ("bot-1", "bot-2")]

    assert len(set(names)) == 2


@pytest.mark.parametrize(
    ("directive", "value"),
    [
        ("User", "dcv-resend"),
        ("ExecStart", "/opt/dcv-resend/bin/dcv-resend run"),
        ("RestartPreventExitStatus", "2"),
        ("StateDirectoryMode", "0700"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("PrivateTmp", "yes"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("SystemCallFilter", "@system-service"),
    ],
)
def test_the_unit_is_hardened_and_gives_up_on_a_wrong_setting(
    unit: list[tuple[str, str]], directive: str, value: str
) -> None:
    assert (directive, value) in unit


def test_the_unit_waits_longer_than_a_stop_takes(unit: list[tuple[str, str]]) -> None:
    assert int(dict(unit)["TimeoutStopSec"]) > 10
