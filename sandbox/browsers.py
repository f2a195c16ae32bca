"""The search for an installed browser."""

import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
MISSING = (
    "no Chromium or Chrome on PATH, so nothing is tested in a browser; install one, such as `apt install chromium` "
    "or `brew install --cask google-chrome`"
)


def find_browser() -> str | None:
    """Return the path of an installed Chromium or Chrome, or None if there is none."""
    found = next(filter(None, (shutil.which(name) for name in NAMES)), None)
    # On macOS, Chrome is installed as an application and is not on PATH.
    return found or (str(MAC) if MAC.exists() else None)
