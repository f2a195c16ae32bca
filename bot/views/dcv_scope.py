"""The sentence on what the approval of an email validates, true under both readings of DigiCert's documentation."""

from collections.abc import Iterable, Sequence

from bot.models import DomainTarget, WaitingName
from bot.parsing.domain_names import display_name, is_subdomain_of
from bot.views.blocks import join_names


def approval_validates(waiting: WaitingName, picked: Sequence[int]) -> str:
    """Return what approving an email for a name validates, for these indices into its allowed addresses.

    The text is plain. The email for a domain validates its name scope and everything below.
    """
    is_domain = isinstance(waiting.target, DomainTarget)
    name = waiting.scope if is_domain else waiting.name
    domains = (waiting.allowed[index].domain for index in picked if 0 <= index < len(waiting.allowed))
    return validates(name, domains, with_subdomains=is_domain and waiting.covers_below)


def validates(name: str, address_domains: Iterable[str], *, with_subdomains: bool = False) -> str:
    """Return what approving validates, for a name and the domains that the chosen addresses are allowed for.

    DigiCert does not document if an address of a parent validates the name alone, or everything below the parent.
    Sources: "Resend order DCV emails" (`domain`, `email_domain`), "Resend domain DCV emails" (`name_scope`).
    """
    parents = dict.fromkeys(each for each in address_domains if each != name and is_subdomain_of(each, name))
    what = f"{display_name(name)} and everything below it" if with_subdomains else display_name(name)
    more = f", possibly all of {join_names(list(map(display_name, parents)))}" if parents else ""
    return f"Approving validates {what}{more}."
