"""What people and alerts write → order ids and domain names; pure, and Misunderstood is all that it raises."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address

import idna
from publicsuffixlist import PublicSuffixList

from bot.errors import Misunderstood
from bot.models import Kind

_MOST_TEXT = 2000
_MOST_SHOWN = 60
_MOST_NAME = 253
_MOST_LABEL = 63

# Marks without width or with a direction, which copying leaves at the ends; inside a name they would hide what it is.
INVISIBLE = "\ufeff\u200b\u200e\u200f\u202a\u202b\u202c\u2060\u2066\u2067\u2068\u2069"
# Some scripts need these two; IDNA checks that they stand where they may (RFC 5892, appendix A).
_JOINERS = "\u200c\u200d"
QUOTES = "`'\"“”„«»\u2018\u2019\u201a\u2039\u203a"
_AROUND = QUOTES + "<>(){},;!?" + INVISIBLE
_KEYCAP = "\u20e3"
_EMOJI_STYLE = "\ufe0f"

_HTML = re.compile(r"</?[a-z][a-z0-9]*(\s[^<>]*)?/?>", re.IGNORECASE)
# Slack writes links as <address|label>, and of *.example.com it links only what follows the wildcard.
_LINK = re.compile(r"(\*\.)?<([^<>|\s]+)(?:\|[^<>]*)?>")
_BOLD = re.compile(r"^\*+(?!\.)|(?<=[^.*])\*+$")
_ORDER = re.compile(r"(?:tel:|order(?: ?(?:id|no\.?|number))?[ :]*)?(?:# ?)?([0-9]+)\.?", re.IGNORECASE)
_SCHEME = re.compile(r"(?:\*\.)?([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class WantedOrder:
    """An order, by its id of at most 18 digits."""

    order_id: int


@dataclass(frozen=True, slots=True)
class WantedName:
    """A domain name: ASCII-encoded, lower case, without wildcard or trailing dot."""

    name: str


Wanted = WantedOrder | WantedName


def wanted_key(wanted: Wanted) -> str:
    """Return what somebody wrote as the value of a select's option: `order:` and an id, or `name:` and a name."""
    return f"{Kind.ORDER}:{wanted.order_id}" if isinstance(wanted, WantedOrder) else f"name:{wanted.name}"


def read_target(text: str) -> WantedOrder | WantedName:
    """The one order or domain name that `text` means, however it was typed or copied.

    Raises Misunderstood with a sentence that ends in an example and repeats at most 60 harmless characters of `text`.
    """
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    typed = _plain(text)
    if order := _ORDER.fullmatch(typed):
        return _wanted_order(order[1])
    if not typed or " " in typed:
        raise _not_one(text)
    return WantedName(_encoded(_host(typed), shown(typed)))


def read_name(text: str) -> str:
    """The domain name that `text` is, ASCII-encoded and in lower case; Misunderstood where it is anything else."""
    return _encoded(text, shown(text))


def is_public_suffix(name: str) -> bool:
    """Whether names of many owners stand directly below `name`, as below `com` and `co.uk`; see `parents`."""
    return bool(_suffixes().is_public(name))


def display_name(ascii_name: str) -> str:
    """The name as people write it: in Unicode where that encodes back to the very same name, else as it is."""
    return ".".join(map(_display_label, ascii_name.split(".")))


def plain_name(ascii_name: str) -> str:
    """A domain name as people read it; beside a Unicode form stands the ASCII one, which cannot look like another."""
    shown = display_name(ascii_name)
    return ascii_name if shown == ascii_name else f"{shown} ({ascii_name})"


def parents(name: str) -> tuple[str, ...]:
    """`name` and its parents up to the registrable domain, nearest first; under an unknown suffix `name` alone.

    Takes an ASCII-encoded name. Source: the ICANN section of publicsuffix.org, as installed; nothing is fetched.
    """
    registrable = _suffixes().privatesuffix(name)
    if registrable is None:
        return (name,)
    labels = name.split(".")
    return tuple(".".join(labels[start:]) for start in range(len(labels) - registrable.count(".")))


def covers(parent: str, name: str) -> bool:
    """True where `name` is `parent` or lies below it; both ASCII-encoded."""
    return name == parent or name.endswith(f".{parent}")


def is_public(name: str) -> bool:
    """True where `name`, in ASCII or Unicode, lies below a suffix of that list; asked of alerts, never of people."""
    return _suffixes().is_private(name)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False, only_icann=True)


def _misunderstood(case: str) -> Misunderstood:
    return Misunderstood(f"{case}: give one order id or one domain name, for example 700001 or shop.example.com.")


def _not_one(text: str) -> Misunderstood:
    return _misunderstood(f"{shown(text)} is not exactly one order or domain")


def shown(text: str) -> str:
    """As much of `text` as may be repeated: printable, on one line, without backticks or passwords, 60 characters."""
    line = re.sub(r"://[^/\s]*@", "://…@", " ".join(text.split()))
    printable = "".join(letter for letter in line if letter.isprintable() and letter != "`")
    if len(printable) > _MOST_SHOWN:
        printable = printable[: _MOST_SHOWN - 1] + "…"
    return f"“{printable}”" if printable else "That"


def _plain(text: str) -> str:
    """`text` without Slack's markup and without what people put around a name; words are parted by one space."""
    if len(text) > _MOST_TEXT:
        raise _misunderstood("That is far too long")
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Co"} and not letter.isspace() for letter in text):
        raise _misunderstood("That holds control characters")
    if _HTML.search(text):
        raise _misunderstood("That is HTML")
    words = _LINK.sub(r" \1\2 ", text).split()
    return " ".join(bare for bare in map(_undecorated, words) if bare)


def _undecorated(word: str) -> str:
    while (bare := _BOLD.sub("", word.strip(_AROUND))) != word:
        word = bare
    return word


def _wanted_order(digits: str) -> WantedOrder:
    if len(digits) > 18:
        raise _misunderstood(f"{shown(digits)} is too long for an order id, which has at most 18 digits")
    if digits.startswith("0"):
        raise _misunderstood(f"{shown(digits)} is no order id, which never starts with 0")
    return WantedOrder(int(digits))


def _host(typed: str) -> str:
    """The host of what may be an address on the web, without port or wildcard; refuses what is certainly no name."""
    scheme = _SCHEME.match(typed)
    host = re.split(r"[/?#\\]", typed[scheme.end() :] if scheme else typed, maxsplit=1)[0]
    if "@" in host:
        raise _at_sign(host, has_scheme=scheme is not None)
    if re.search("[,;|]", host):
        raise _not_one(typed)
    if _is_ip(host) or _is_ip(host := re.sub(":[0-9]*$", "", host)):
        raise _misunderstood(f"{shown(host)} is an IP address, and mail validates only names")
    return host.removeprefix("*.")


def _at_sign(host: str, *, has_scheme: bool) -> Misunderstood:
    if has_scheme:
        return _misunderstood("That address holds a user name or password")
    if host.startswith("@"):
        return _misunderstood(f"{shown(host)} is somebody in Slack")
    return _misunderstood(f"{shown(host.removeprefix('mailto:'))} is an e-mail address")


def _is_ip(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _encoded(host: str, shown: str) -> str:
    """`host` as DNS writes it (UTS #46 mapping, then IDNA 2008), if it has the shape of a domain name."""
    _refuse_strange(host, shown)
    try:
        labels = idna.uts46_remap(host, std3_rules=False).removesuffix(".").split(".")
        encoded = [_encoded_label(label) for label in labels]
    except UnicodeError:
        raise _misunderstood(f"{shown} is not a domain name") from None
    name = ".".join(encoded)
    if len(name) > _MOST_NAME:
        raise _misunderstood(f"{shown} is too long for a domain name, which has at most 253 characters")
    if len(labels) == 1:
        raise _misunderstood(f"{shown} is a single word, not a whole domain name")
    if encoded[-1].isdecimal():
        raise _misunderstood(f"{shown} ends in a number, which no domain name does")
    return name


def _refuse_strange(host: str, shown: str) -> None:
    kinds = {unicodedata.category(letter) for letter in host if letter not in _JOINERS}
    if "So" in kinds or _KEYCAP in host or _EMOJI_STYLE in host or re.fullmatch(r":[^:]+:?", host):
        raise _misunderstood(f"{shown} holds an emoji or a symbol")
    if "Cf" in kinds:
        raise _misunderstood(f"{shown} holds invisible characters, so type it anew")
    if "*" in host:
        raise _misunderstood(f"{shown} has a wildcard elsewhere than once at the front")
    if len(host) > 4 * _MOST_NAME:
        raise _misunderstood(f"{shown} is too long for a domain name, which has at most 253 characters")


def _encoded_label(label: str) -> str:
    """One label in ASCII. Raises UnicodeError where it cannot be, Misunderstood where it is too long."""
    if len(label) > _MOST_LABEL or len(_punycoded(label)) > _MOST_LABEL:
        raise _misunderstood(f"{shown(label)} is too long for a part of a domain name, which has at most 63 characters")
    if label.startswith("xn--") or not label.isascii():
        return idna.alabel(label).decode("ascii")
    # Not left to idna: it refuses names like r3---x.example.com, which exist in DNS and in certificates.
    if not _LABEL.fullmatch(label):
        raise UnicodeError
    return label


def _punycoded(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")


def _display_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        shown = idna.ulabel(label)
        return shown if idna.alabel(shown).decode("ascii") == label else label
    except UnicodeError:
        return label
