"""The errors of CertCentral's API, and their JSON."""

from collections.abc import Mapping


class CertCentralError(Exception):
    """An error response with this HTTP status and one error entry (code, message)."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def error_body(code: str, message: str, *, as_object: bool = False) -> dict[str, object]:
    """Return the body of an error. `errors` is a list, or one object as in an older recording."""
    entry = {"code": code, "message": message}
    return {"errors": entry if as_object else [entry]}


def invalid_key() -> CertCentralError:
    """Return 403 for a key that is missing, unknown or revoked."""
    return CertCentralError(
        403, "access_denied|access_denied_invalid_key", "Access denied due to access_denied_invalid_key."
    )


def missing_permission() -> CertCentralError:
    """Return 403 for a call outside the role of the key."""
    return CertCentralError(
        403, "access_denied|missing_permission", "You do not have permission to perform this action."
    )


def too_many_calls(headers: Mapping[str, str]) -> CertCentralError:
    """Return 429 for a call over one of the rolling limits."""
    return CertCentralError(429, "request_limit_exceeded", "Service unavailable, please limit request volume", headers)


def malformed(detail: str) -> CertCentralError:
    """Return 400 for a body or a query that cannot be read."""
    return CertCentralError(400, "bad_request_format", f"Bad request format: {detail}")


def not_found(what: str) -> CertCentralError:
    """Return 404 for an unknown `route`, `order` and so on."""
    return CertCentralError(404, f"not_found|{what}", f"The {what} could not be found.")
