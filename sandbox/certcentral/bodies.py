"""The bodies that the PUT calls accept; unknown fields are ignored, wrong types are refused."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.certcentral.api_errors import malformed

Body = TypeVar("Body", bound="JsonBody")


class JsonBody(BaseModel):
    """A JSON object whose fields keep their JSON types: no number for a string, no null for a field left out."""

    model_config = ConfigDict(frozen=True)


class ApprovalEmail(JsonBody):
    """One name and the address asked to approve it; `email_domain` is the base that the address belongs to."""

    domain: str
    email: str
    email_domain: str = ""


class OrderResend(JsonBody):
    """Body of an order's resend."""

    domain_approval_emails: list[ApprovalEmail] = []
    locale: str = "en"


class DomainResend(JsonBody):
    """Body of a domain's resend."""

    name_scope: str = ""
    locale: str = "en"
    email_array: list[str] = []


class MethodChange(JsonBody):
    """Body of a change of an order's DCV method."""

    dcv_method: str


def read_body(kind: type[Body], body: object) -> Body:
    """Read the parsed JSON of a call, nothing counting as `{}`; Refusal (400) names the first field that is wrong."""
    try:
        return kind.model_validate({} if body is None else body)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(step) for step in first["loc"]) or "body"
        raise malformed(f"{path}: {first['msg']}") from error
