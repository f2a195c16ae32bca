"""An older commit of this repository in a temporary folder, with an environment that imports the bot from there."""

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import tomllib
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
_SCRIPT = """#!{python}
import sys
from {module} import {function}
sys.exit({function}())
"""


@contextmanager
def older_checkout(commit: str, current: Sequence[str]) -> Iterator[tuple[Path, Path]]:
    """Yield the folder of this commit, and its Python. `current` names folders that are copied from this checkout.

    The Python has the packages of this environment, but imports everything of the project from that folder, also in
    processes that it starts: PYTHONPATH would not reach those.
    """
    with tempfile.TemporaryDirectory(prefix="dcv-resend-older-") as name:
        folder = Path(name)
        _export(commit, folder)
        for room in current:
            shutil.rmtree(folder / room, ignore_errors=True)
            shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
        yield folder, _python_of(folder)


def _export(commit: str, folder: Path) -> None:
    command = ["git", "-C", str(ROOT), "archive", "--format=tar", commit]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as git:  # noqa: S603 - git, with a commit as one word
        if git.stdout:
            with tarfile.open(fileobj=git.stdout, mode="r|") as archive:
                archive.extractall(folder, filter="data")
    if git.returncode:
        raise LookupError(f"there is no commit {commit}")


def _python_of(folder: Path) -> Path:
    home = folder / ".venv"
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    packages = sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)})
    # Python reads no .pth files in folders that a .pth file names, so it does not find the editable install here.
    paths = [str(folder), *filter(lambda path: "site-packages" in path, sys.path)]
    Path(packages, "older.pth").write_text("".join(f"{path}\n" for path in paths))
    script = home / "bin" / "dcv-resend"
    module, function = _entry_point(folder)
    script.write_text(_SCRIPT.format(python=python, module=module, function=function))
    script.chmod(0o755)
    return python


def _entry_point(folder: Path) -> tuple[str, str]:
    """Return the module and the function behind the older `dcv-resend`: they have moved since."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    module, _, function = project["scripts"]["dcv-resend"].partition(":")
    return module, function
