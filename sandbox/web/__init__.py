"""The page of the sandbox: what the local Slack and CertCentral hold, drawn in a browser, live and to be used."""

from sandbox.web.personas import Persona
from sandbox.web.server import WebPage

__all__ = ["Persona", "WebPage"]
