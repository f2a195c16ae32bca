"""The ways CertCentral says no, and the JSON that it says it in."""

from collections.abc import Mapping


class CertCentralError(Exception):
    """A call is answered with this HTTP status and one error entry (code, message)."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def error_body(code: str, message: str, *, as_object: bool = False) -> dict[str, object]:
    """The body of an error: `errors` is a list of entries, or one bare entry as an older recording has it."""
    entry = {"code": code, "message": message}
    return {"errors": entry if as_object else [entry]}


def invalid_key() -> CertCentralError:
    """403: the key is missing, unknown or revoked."""
    return CertCentralError(
        403, "access_denied|access_denied_invalid_key", "Access denied due to access_denied_invalid_key."
    )


def missing_permission() -> CertCentralError:
    """403: the key's role does not reach this far."""
    return CertCentralError(
        403, "access_denied|missing_permission", "You do not have permission to perform this action."
    )


def too_many_calls(headers: Mapping[str, str]) -> CertCentralError:
    """429: over one of the rolling limits."""
    return CertCentralError(429, "request_limit_exceeded", "Service unavailable, please limit request volume", headers)


def malformed(detail: str) -> CertCentralError:
    """400: the body or the query cannot be read."""
    return CertCentralError(400, "bad_request_format", f"Bad request format: {detail}")


def not_found(what: str) -> CertCentralError:
    """404 for an unknown `route`, `order` and so on."""
    return CertCentralError(404, f"not_found|{what}", f"The {what} could not be found.")
