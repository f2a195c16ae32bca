"""The behavior in cases that DigiCert's documentation leaves open. A test or a user of the demo may change each."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from sandbox.certcentral.api_errors import CertCentralError

EmailArrayLimit = Literal["domain", "scope"]
EMAIL_ARRAY_LIMITS: tuple[EmailArrayLimit, ...] = get_args(EmailArrayLimit)
ValidationStates = Literal["never", "asked", "always"]
LOCALES = frozenset({"en", "de", "es", "fr", "it", "ja", "ko", "pt", "ru", "zh_CN", "zh_TW"})


@dataclass(frozen=True)
class ResendBehavior:
    """The outcome of a resend in an unclear case: an error, or 204 with or without mail.

    A `status` of 204 means accepted. `mails` has a meaning only then.
    """

    # 204 is the success status of both resend calls.
    status: int = 204
    code: str = ""
    message: str = ""
    mails: bool = False

    def sends_mail(self) -> bool:
        """Return whether mail is sent. Raises CertCentralError if the case is rejected."""
        if self.status != 204:
            raise CertCentralError(self.status, self.code, self.message)
        return self.mails


ACCEPT_AND_MAIL = ResendBehavior(mails=True)
ACCEPT_WITHOUT_MAIL = ResendBehavior()


@dataclass
class BehaviorOptions:
    """One option for each unclear case. The defaults are the most likely behavior."""

    closed_order: ResendBehavior = ResendBehavior(400, "invalid_order_status", "The order is not pending.")
    organization_order: ResendBehavior = ResendBehavior(
        400, "invalid_product_type", "Only DV orders support this action."
    )
    other_method: ResendBehavior = ResendBehavior(400, "invalid_dcv_method", "The DCV method is not email.")
    unknown_name: ResendBehavior = ResendBehavior(400, "invalid_domain", "The domain is not on this order.")
    disallowed_address: ResendBehavior = ResendBehavior(
        400, "invalid_email", "The email address is not allowed for this domain."
    )
    foreign_scope: ResendBehavior = ResendBehavior(
        400, "invalid_name_scope", "The name scope does not belong to this domain."
    )
    validated_already: ResendBehavior = ACCEPT_AND_MAIL
    """A resend for a name of an order that is validated already."""
    domain_not_pending: ResendBehavior = ACCEPT_WITHOUT_MAIL
    """A resend for a domain that is not pending."""
    inactive_domain: ResendBehavior = ResendBehavior(400, "invalid_domain_status", "The domain is not active.")
    """A submission of a domain that was deactivated."""
    method_of_settled_domain: ResendBehavior = ResendBehavior(
        400, "invalid_domain_status", "The domain is not pending validation."
    )
    """A change of the method of a domain that is not pending."""
    submit_status: int = 201
    """The success status of a submission: 200 or 201 with a body, 204 without one."""
    submit_emails_everyone: bool = False
    """True if a submission with the method email ignores its `email_array`."""
    email_flag_ignored: bool = False
    """True if a change of the method to email sends mail although `send_dcv_email_flag` is false."""
    switch_voids_mails: bool = False
    """True if the links of earlier mails stop working once the method is no longer email."""
    new_value_is_nested: bool = False
    """True if the response to a new random value has it below `dcv_token`."""
    # The documentation names a limit, but not whose addresses it means.
    email_array_limited_by: EmailArrayLimit = "domain"
    """The name whose allowed addresses limit the `email_array` of a domain resend.

    "domain" is the stored domain of the id, "scope" is the `name_scope` of the request. Other addresses are dropped
    silently. If none is left, every address of the scope is emailed.
    """
    check_by_email: ResendBehavior = ResendBehavior(400, "invalid_dcv_method", "Email validation cannot be checked.")
    check_finds_no_record: ResendBehavior = ACCEPT_WITHOUT_MAIL
    """The outcome of a check that finds no DNS record: 200 with pending names, or this error."""
    unknown_domain_code: str = "not_found|domain"
    locales: frozenset[str] = LOCALES
    """The known languages. Any other language falls back to English."""
    without_mx: set[str] = field(default_factory=set)
    """Mail domains without MX. Calls for them are accepted, and nothing is delivered."""
    retry_after: bool = False
    """True if a 429 has `Retry-After` (whole seconds)."""
    user_me_for_orders: bool = True
    """True if keys of the roles 100 and 101 may read /user/me."""
    omit_empty_lists: bool = True
    """True if the array of an empty list is left out of the response."""
    string_ids: bool = True
    """True if ids in an order's validation status are strings."""
    is_active_string: bool = True
    """True if a domain's organization has `is_active: "1"` instead of true."""
    validation_states_in_lists: ValidationStates = "never"
    """When rows of the domain list include `dcv_status` and `org_status`. "asked" means with `include_validation`."""
    always_include_validations: bool = False
    """True if a single domain lists its validations even without `include_validation`."""
    errors_as_object: bool = False
    invitations: bool = False
    """True if a domain with `include_dcv` lists the mails sent, in an older format."""
    status_filter_ignored: bool = False
