"""A local CertCentral: DigiCert's Services API v2 in memory, with an outbox instead of email."""

from sandbox.certcentral.server import CertCentral

__all__ = ["CertCentral"]
