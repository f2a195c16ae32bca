"""The button *Resend to admin@…*, which sends one email after a confirmation, without the form."""

import hashlib

from slack_sdk.models.blocks import ButtonElement

from bot.models import Kind, TargetKey
from bot.parsing.domain_names import is_subdomain_of, without_wildcard
from bot.views.blocks import confirmation, escape, plain, truncate_middle
from bot.views.dcv_scope import validates

QUICK_RESEND = "quick_resend"
# Slack cuts the label of a button near 30 characters.
_LABEL = 30
_SEND_TO = "Resend to "


def quick_resend_button(key: str, name: str, email: str) -> ButtonElement:
    """Return the button for an order or domain with one name, whose last email went to this one recipient.

    Never show it in an alert channel, where guests would read the address. The value names the content of the dialog
    by a digest, so that the bot sends nothing else, and so that no address can be forged.
    """
    question = f"Send one DCV email to {escape(email)}?"
    return ButtonElement(
        action_id=QUICK_RESEND,
        text=plain(f"{_SEND_TO}{truncate_middle(email, _LABEL - len(_SEND_TO))}"),
        value=quick_resend_value(key, name, email),
        confirm=confirmation("Resend DCV email", f"{question} {escape(scope_words(key, name, email))}", "Send"),
        accessibility_label=truncate_middle(f"Resend the DCV email for {name} to {email}", 75),
    )


def quick_resend_value(key: str, name: str, email: str) -> str:
    """Return the value of the button: the key of the target, and a digest of what its dialog says."""
    said = "\n".join((key, without_wildcard(name), email.lower()))
    digest = hashlib.sha256(said.encode(errors="backslashreplace")).hexdigest()
    return f"{key}|{digest[:16]}"


def scope_words(key: str, name: str, email: str) -> str:
    """Return the sentence on what the approval of one email validates, from stored data alone."""
    bare, domain = without_wildcard(name), email.rpartition("@")[2].lower()
    is_domain = TargetKey.parse(key).kind == Kind.DOMAIN
    if is_subdomain_of(domain, bare):
        return validates(bare, [domain], with_subdomains=is_domain)
    # A contact from DNS may be that of a parent. The stored data does not say of which.
    sentence = validates(bare, [], with_subdomains=is_domain).removesuffix(".")
    return f"{sentence}, possibly all of a domain above it."
