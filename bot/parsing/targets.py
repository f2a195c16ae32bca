"""Parser of one order id or domain name, as people and alerts write them. Pure; raises only InvalidInput."""

import re
import unicodedata
from dataclasses import dataclass, field
from ipaddress import ip_address

import idna

from bot.errors import InvalidInput
from bot.models import NAME, TargetKey, name_key, order_key
from bot.parsing.domain_names import (
    without_wildcard,
)
from bot.parsing.order_ids import MOST_DIGITS, typed_digits
from bot.parsing.order_links import LINK, order_in_link
from bot.parsing.phrases import Phrase, read_phrase

LONGEST_TEXT = 3000
_MOST_SHOWN = 60
_MOST_READ = 1000
_MOST_NAME = 253
_MOST_LABEL = 63

# Characters without width or for direction, which remain after copying. Inside a name they would disguise it.
INVISIBLE = "\ufeff\u200b\u200e\u200f\u202a\u202b\u202c\u2060\u2066\u2067\u2068\u2069"
# Some scripts need these two. IDNA checks that they are in allowed places (RFC 5892, appendix A).
_JOINERS = "\u200c\u200d"
_UNSEEN = dict.fromkeys(map(ord, INVISIBLE), " ")
QUOTES = "`'\"“”„«»\u2018\u2019\u201a\u2039\u203a"
_AROUND = (
    QUOTES
    + "<>(){}[],;!?~|\u2026\u00b7\u2022\u2013\u2014\u2192"
    # Brackets, commas, stops and their like in Chinese and Japanese.
    + "\uff08\uff09\u3010\u3011\u300c\u300d\u300e\u300f\u300a\u300b\uff0c\u3002\uff1b\uff1a\uff01\uff1f\u3001"
    + INVISIBLE
)
# NFKC takes quadratic time for a run of combining marks. No script has more than a few on one letter.
_MARKS_IN_A_ROW = re.compile(r"([^\w\s\x00-\x7f]{30})[^\w\s\x00-\x7f]++")
# Chinese, Japanese, Korean, Thai and related scripts have no space between a word and a name.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_SEAM = re.compile(f"(?<=[{_UNSPACED}])(?=[a-zA-Z0-9])|(?<=[a-zA-Z0-9])(?=[{_UNSPACED}])")
# Remains of a sentence's end or a bullet beside a name that Slack made a link.
_LONE_MARK = re.compile(r"[.:&+=/\\-]+")
_POSSESSIVE = re.compile(r"(?<=>)['\u2019]s\b")
_KEYCAP = "\u20e3"
_EMOJI_STYLE = "\ufe0f"

_HTML = re.compile(r"</?[a-z][a-z0-9]*(\s[^<>]*)?/?>", re.IGNORECASE)
_LINK = re.compile(
    r"""
    (\*\.)?                         # Slack links only what follows the wildcard in *.example.com
    <([^<>|\s]+) (?:\|([^<>]*))?>   # <address|label>
    """,
    re.VERBOSE,
)
_DATE = re.compile(r"<!date\^[^<>|]*\|([^<>]*)>")
_MENTION = re.compile(r"<[@#!][^<>]*>")
_ORDER = re.compile(
    r"""
    (?: order (?:[ ]?(?:id|no\.?|number))? [ :]{0,9} )?     # order id: 700001
    (?: [\#\u2116][ ]? )? (?: tel: )?                              # #700001; Slack links long numbers as tel:
    (?P<digits> [0-9].* )
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Not the characters that Python takes for spaces: \t to \r, and \x1c to \x1f.
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
_SCHEME = re.compile(r"(?:\*\.)?([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_PLAIN_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?){1,126}")


@dataclass(frozen=True, slots=True)
class OrderRef:
    """An order, by its id of at most 18 digits.

    `name` is the name beside the id, if there is one: the bot's own lines about domains begin with a number too.
    """

    order_id: int
    name: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DomainRef:
    """A domain name: ASCII-encoded, lower case, without wildcard or trailing dot."""

    name: str


TargetRef = OrderRef | DomainRef


def target_ref_key(wanted: TargetRef) -> str:
    """Return a target as the value of a select's option: `order:` and an id, or `name:` and a name."""
    return order_key(wanted.order_id) if isinstance(wanted, OrderRef) else name_key(wanted.name)


def read_target_key(key: str) -> OrderRef | DomainRef | None:
    """Return the target of a key that `target_ref_key` made; None for an empty key. Raises InvalidInput otherwise."""
    if not key:
        return None
    target = TargetKey.parse(key)
    if target.order_id is not None:
        return OrderRef(target.order_id)
    if target.kind != NAME:
        raise _misunderstood(f"{quoted(key)} isn't exactly one order or domain")
    return DomainRef(read_name(target.value))


def read_target(text: str, *, as_label: bool = False) -> OrderRef | DomainRef:
    """Return the one order or domain name that `text` means, however it was typed or copied.

    With `as_label`, the text may not have other words, as a sentence does. Raises InvalidInput with a sentence that
    ends in an example and quotes at most 60 harmless characters of `text`.
    """
    if len(text) > LONGEST_TEXT:
        raise _misunderstood("That is far too long")
    text = _unescaped(text)
    words = _plain(text)
    typed = " ".join(words)
    for written in (_undecorated(_as_typed(text)), typed):
        if (order := _ORDER.fullmatch(written)) and (digits := typed_digits(order["digits"])):
            return _wanted_order(digits)
    if len(words) == 1:
        return _one_word(text, typed)
    phrase = _phrase(text) if words else None
    if phrase is None or (as_label and not phrase.is_label):
        raise _not_one(text)
    return _meant(phrase)


def _one_word(text: str, typed: str) -> OrderRef | DomainRef:
    if (order_id := order_in_link(typed)) is not None:
        return OrderRef(order_id)
    try:
        return DomainRef(_encoded(_host(typed), quoted(typed)))
    except InvalidInput:
        # order=700001, and languages without a space between the word and the number.
        phrase = _phrase(text)
        if phrase is None or phrase.order_id is None:
            raise
        return _meant(phrase)


def _meant(phrase: Phrase) -> OrderRef | DomainRef:
    if phrase.order_id is None:
        return DomainRef(phrase.name or "")
    return OrderRef(phrase.order_id, phrase.name)


def read_name(text: str) -> str:
    """Return the domain name that `text` is, ASCII-encoded and in lower case. Raises InvalidInput for anything else."""
    if len(text) > LONGEST_TEXT:
        raise _misunderstood("That is far too long")
    return _encoded(text, quoted(text))


def spaced(text: str) -> str:
    """Return the text in NFKC, with spaces between words and numbers in every script.

    At most 30 marks in a row remain. The result is cut to twice the length of the text.
    """
    composed = unicodedata.normalize("NFKC", _MARKS_IN_A_ROW.sub(r"\1", text))
    return _SEAM.sub(" ", cut_at_word(composed, 2 * len(text)))


def cut_at_word(text: str, characters: int) -> str:
    """Return at most so many characters of `text`, without the word at the cut: its beginning may be another name."""
    if len(text) <= characters:
        return text
    return " ".join(text[:characters].rsplit(maxsplit=1)[:-1])


def encode_name(text: str) -> str:
    """Return `text` as `read_name` does, but accept a single label too. Raises InvalidInput for anything else."""
    return _ascii(text, quoted(text))


def _misunderstood(case: str) -> InvalidInput:
    return InvalidInput(f"{case}. Enter one order number or domain, such as 700001 or shop.example.com.")


def _not_one(text: str) -> InvalidInput:
    return _misunderstood(f"{quoted(text)} isn't exactly one order or domain")


def quoted(text: str) -> str:
    """Return `text` as a message may quote it: one printable line of 60 characters, no backticks or passwords."""
    line = re.sub(r"://[^/\s]*@", "://…@", " ".join(text[:_MOST_READ].split()))
    printable = "".join(letter for letter in line if letter.isprintable() and letter != "`")
    if len(printable) > _MOST_SHOWN:
        printable = printable[: _MOST_SHOWN - 1] + "…"
    return f"“{printable}”" if printable else "That"


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _plain(text: str) -> list[str]:
    """Return the words of `text` without Slack's markup and without what people put around a name.

    Raises InvalidInput for control characters and HTML.
    """
    if _has_controls(text):
        raise _misunderstood("That contains control characters")
    if _HTML.search(text):
        raise _misunderstood("That is HTML")
    words = [bare for bare in map(_undecorated, _LINK.sub(r" \1\2 ", _POSSESSIVE.sub("", text)).split()) if bare]
    meant = [word for word in words if not _LONE_MARK.fullmatch(word)]
    return meant or words


def _as_typed(text: str) -> str:
    """Return `text` with addresses in place of links. Spaces stay, as some languages put them into numbers."""
    return re.sub("#[ ]{1,9}", "#", _LINK.sub(r"\2", text).strip())


def _has_controls(text: str) -> bool:
    if text.isascii():
        return _CONTROLS.search(text) is not None
    return any(unicodedata.category(letter) in {"Cc", "Cs", "Co"} and not letter.isspace() for letter in text)


def _undecorated(word: str) -> str:
    """Return the word without quotes, brackets and asterisks around it, but with the wildcard in front."""
    if (ended := word.rstrip(".:")) and ended[-1] in f"{_AROUND}*_":
        word = ended
    bare = word.strip(f"{_AROUND}*")
    if not bare:
        return ""
    start = word.index(bare)
    if bare.startswith(".") and word[start - 1 : start] == "*":
        bare = f"*{bare}"
    if bare.endswith(".") and word[start + len(bare.removeprefix("*")) :][:1] == "*":
        bare = f"{bare}*"
    return bare.removeprefix("_").removesuffix("_") if bare[0] == bare[-1] == "_" else bare


def _phrase(text: str) -> Phrase | None:
    """Return the subject of several words, with the visible text of Slack's markup, and ids in place of their links."""
    plain = spaced(_LINK.sub(_link_text, _MENTION.sub(" ", _DATE.sub(r" \1 ", text))))
    return read_phrase(LINK.sub(_order_or_link, plain).translate(_UNSEEN), _name_of)


def _link_text(link: re.Match[str]) -> str:
    wildcard, address, label = link.groups(default="")
    scheme, _, rest = address.partition(":")
    host = rest.strip("/").partition("/")[0].lower()
    if scheme.lower() == "tel":
        return f" {rest} "
    # The bot's own messages link to their threads, and the label names the target.
    return f" {label if label and host.endswith('.slack.com') else wildcard + address} "


def _order_or_link(link: re.Match[str]) -> str:
    order_id = order_in_link(link[0])
    return link[0] if order_id is None else f" order {order_id} "


def _name_of(word: str) -> str | None:
    try:
        return _encoded(_host(word), "")
    except InvalidInput:
        return None


def _wanted_order(digits: str) -> OrderRef:
    if len(digits) > MOST_DIGITS:
        raise _misunderstood(f"{quoted(digits)} is too long for an order number. It has at most {MOST_DIGITS} digits")
    if digits == "0":
        raise _misunderstood("“0” isn't an order number")
    return OrderRef(int(digits))


def _host(typed: str) -> str:
    """Return the host of a possible web address, without port or wildcard.

    Raises InvalidInput for what is certainly no name: an email address, an IP address, or several names.
    """
    scheme = _SCHEME.match(typed)
    host = re.split(r"[/?#\\]", typed[scheme.end() :] if scheme else typed, maxsplit=1)[0]
    if "@" in host:
        raise _at_sign(host, has_scheme=scheme is not None)
    if re.search("[,;|]", host):
        raise _not_one(typed)
    if _is_ip(host) or _is_ip(host := re.sub(":[0-9]*$", "", host)):
        raise _misunderstood(f"{quoted(host)} is an IP address, which can't be validated by email")
    return without_wildcard(host)


def _at_sign(host: str, *, has_scheme: bool) -> InvalidInput:
    if has_scheme:
        return _misunderstood("That URL contains a user name or password")
    if host.startswith("@"):
        return _misunderstood(f"{quoted(host)} is a person in Slack")
    return _misunderstood(f"{quoted(host.removeprefix('mailto:'))} is an email address")


def _is_ip(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _encoded(host: str, shown: str) -> str:
    """Return `host` in the form of DNS. Raises InvalidInput if it does not have the format of a domain name."""
    if _is_plain(lower := host.lower()):
        return lower
    name = _ascii(host, shown)
    if "." not in name:
        raise _misunderstood(f"{shown} isn't a full domain name")
    if name.rpartition(".")[2].isdecimal():
        raise _misunderstood(f"{shown} ends in a number, so it isn't a domain name")
    return name


def _ascii(host: str, shown: str) -> str:
    """Return `host` in the form of DNS (UTS #46 mapping, then IDNA 2008), also if it is a single label."""
    _refuse_strange(host, shown)
    try:
        labels = idna.uts46_remap(host, std3_rules=False).removesuffix(".").split(".")
        encoded = [_encoded_label(label) for label in labels]
    except UnicodeError:
        raise _misunderstood(f"{shown} isn't a domain name") from None
    name = ".".join(encoded)
    if len(name) > _MOST_NAME:
        raise _misunderstood(f"{shown} is too long for a domain name, which has at most 253 characters")
    return name


def _is_plain(host: str) -> bool:
    """Return True for a name that is in the form of DNS already, as most are. Others take longer to encode."""
    if len(host) > _MOST_NAME or "xn--" in host:
        return False
    return _PLAIN_NAME.fullmatch(host) is not None and not host.rpartition(".")[2].isdecimal()


def _refuse_strange(host: str, shown: str) -> None:
    kinds = {unicodedata.category(letter) for letter in host if letter not in _JOINERS}
    if "So" in kinds or _KEYCAP in host or _EMOJI_STYLE in host or re.fullmatch(r":[^:]+:?", host):
        raise _misunderstood(f"{shown} contains an emoji or a symbol")
    if "Cf" in kinds:
        raise _misunderstood(f"{shown} contains invisible characters, so type it by hand")
    if "*" in host:
        raise _misunderstood(f"{shown} can have a wildcard only at the start")
    if len(host) > 4 * _MOST_NAME:
        raise _misunderstood(f"{shown} is too long for a domain name, which has at most 253 characters")


def _encoded_label(label: str) -> str:
    """Return one label in ASCII. Raises UnicodeError if it cannot be encoded, InvalidInput if it is too long."""
    if len(label) > _MOST_LABEL or len(_punycoded(label)) > _MOST_LABEL:
        raise _misunderstood(
            f"{quoted(label)} is too long for a part of a domain name, which has at most 63 characters"
        )
    if label.startswith("xn--") or not label.isascii():
        return idna.alabel(label).decode("ascii")
    # Not by idna, which refuses names like r3---x.example.com, although they exist in DNS and in certificates.
    if not _LABEL.fullmatch(label):
        raise UnicodeError
    return label


def _punycoded(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
