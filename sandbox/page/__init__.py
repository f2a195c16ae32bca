"""The page of the sandbox: what the local Slack and CertCentral hold, drawn in a browser, live and to be used."""

from sandbox.page.cast import Role
from sandbox.page.server import Page

__all__ = ["Page", "Role"]
