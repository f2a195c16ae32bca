"""A local CertCentral: DigiCert's Services API v2 in memory, with an outbox instead of mail."""

from sandbox.certcentral.server import CertCentral

__all__ = ["CertCentral"]
