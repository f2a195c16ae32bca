"""The ways CertCentral says no, and the JSON that it says it in."""

from collections.abc import Mapping


class Refusal(Exception):
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


def invalid_key() -> Refusal:
    """403: the key is missing, unknown or revoked."""
    return Refusal(403, "access_denied|access_denied_invalid_key", "Access denied due to access_denied_invalid_key.")


def missing_permission() -> Refusal:
    """403: the key's role does not reach this far."""
    return Refusal(403, "access_denied|missing_permission", "You do not have permission to perform this action.")


def too_many_calls(headers: Mapping[str, str]) -> Refusal:
    """429: over one of the rolling limits."""
    return Refusal(429, "request_limit_exceeded", "Service unavailable, please limit request volume", headers)


def malformed(detail: str) -> Refusal:
    """400: the body or the query cannot be read."""
    return Refusal(400, "bad_request_format", f"Bad request format: {detail}")


def not_found(what: str) -> Refusal:
    """404 for an unknown `route`, `order` and so on."""
    return Refusal(404, f"not_found|{what}", f"The {what} could not be found.")
