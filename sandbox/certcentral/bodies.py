"""The bodies of the writing calls. Unknown fields are ignored, wrong types are rejected."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.certcentral.api_errors import malformed

Body = TypeVar("Body", bound="JsonBody")


class JsonBody(BaseModel):
    """A JSON object with strict field types: no number for a string, no null for an absent field."""

    model_config = ConfigDict(frozen=True)


class ApprovalEmail(JsonBody):
    """One name and the address that approves it. `email_domain` is the base domain of the address."""

    domain: str
    email: str
    email_domain: str = ""


class OrderResend(JsonBody):
    """The body of an order's resend."""

    domain_approval_emails: list[ApprovalEmail] = []
    locale: str = "en"


class DomainResend(JsonBody):
    """The body of a domain's resend."""

    name_scope: str = ""
    locale: str = "en"
    email_array: list[str] = []


class MethodChange(JsonBody):
    """The body of a change of the DCV method. Orders use `dcv_method` only."""

    dcv_method: str
    locale: str = "en"
    send_dcv_email_flag: bool = True
    email_array: list[str] = []


class RequestedValidation(JsonBody):
    """One type of validation that a domain is submitted for: ov, ev or another."""

    type: str


class DomainSubmission(JsonBody):
    """The body of a domain's submission for validation."""

    validations: list[RequestedValidation] = Field(min_length=1)
    dcv_method: str = ""
    locale: str = "en"
    email_array: list[str] = []


def read_body(kind: type[Body], body: object) -> Body:
    """Parse the JSON of a call. None counts as `{}`. Raises CertCentralError (400) that names the first wrong field."""
    try:
        return kind.model_validate({} if body is None else body)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(step) for step in first["loc"]) or "body"
        raise malformed(f"{path}: {first['msg']}") from error
