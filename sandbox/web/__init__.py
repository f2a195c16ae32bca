"""The page of the sandbox: the local Slack and CertCentral in a browser, updated live."""

from sandbox.web.personas import Persona
from sandbox.web.server import WebPage

__all__ = ["Persona", "WebPage"]
