"""Order ids in links to CertCentral, also in the forms to which mail filters rewrite them. Pure."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from urllib.parse import unquote

from bot.parsing.order_ids import MOST_DIGITS

_LONGEST = 4000
_DEEPEST = 4

LINK = re.compile(
    r"""
    (?:(?<![a-zA-Z])https?:)? // (?:[^\s<>"'`|,]|,(?!https?:))++      # an address, up to the next in a list
  | (?<![\w.@/%-]) (?:[a-zA-Z0-9-]{1,63}\.){0,4}     # www.digicert.com/ as people type it
    [dD][iI][gG][iI][cC][eE][rR][tT]\.[a-zA-Z.]{2,6} (?::[0-9]{1,5})? / [^\s<>"'`|]*+
    """,
    re.VERBOSE,
)
_ADDRESS = re.compile(
    r"""
    (?: (?:https?:)? /{1,9} )?
    (?P<host> [\w.-]{1,253} ) (?: :[0-9]{1,5} )?
    (?P<rest> [/?#] .* )
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
# The hosts of CertCentral in the United States, in Europe, and in other countries.
_CERTCENTRAL = re.compile(
    r"(?:(?:www|certcentral|api)\.)?digicert\.(?:com|[a-z]{2}|co\.[a-z]{2}|com\.[a-z]{2})\.?", re.IGNORECASE
)
_ID = re.compile(rf"0{{0,20}}([1-9][0-9]{{0,{MOST_DIGITS - 1}}})(?![\w%])")
_ORDER = {"order", "orders"}
_BETWEEN = {"certificate", "detail", "details", "overview", "summary", "view"}
_KEYS = {"order_id", "orderid", "order-id", "order"}

# Hosts of mail filters and redirectors whose links contain the original address.
_WRAPPERS = (
    ".safelinks.protection.outlook.com",  # Microsoft Defender: ?url=
    ".safelinks.protection.partner.outlook.cn",
    ".safelinks.office365.us",
    ".safelinks.office.net",
    ".statics.teams.cdn.office.net",
    ".urldefense.com",  # Proofpoint, versions 1 to 3
    ".urldefense.us",
    ".urldefense.proofpoint.com",
    ".linkprotect.cudasvc.com",  # Barracuda
    ".secure-web.cisco.com",
    ".protect.checkpoint.com",
    ".url-protection.com",
    ".url.avanan.click",
    ".fireeye.com",
    ".trendmicro.com",
    ".clicktime.symantec.com",
    ".urlsand.esvalabs.com",
    ".protection.sophos.com",
    ".mimecastprotect.com",
    ".slack-redir.net",
    ".google.com",
    ".deref-gmx.com",
    ".deref-mail.com",
    ".deref-web.de",
)
_NESTED = re.compile(r"(?<![a-zA-Z])https?:/{1,2}(?=[a-zA-Z0-9])|(?<=___)https?:/{1,2}", re.IGNORECASE)
_PROOFPOINT_3 = re.compile(r"/v3/__(?P<address>[^\s]*?)__;(?P<replaced>[\w=-]*+)!", re.ASCII)
_REPLACED = re.compile(r"\*(?:\*([A-Za-z0-9_-]))?")
_RUN_LENGTHS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def linked_orders(text: str) -> Iterator[tuple[int, int | None]]:
    """Yield each link to DigiCert in `text`: its start, and the id of the order that it leads to, if any."""
    # JSON may write \/ for a slash.
    for found in LINK.finditer(text.replace("\\/", "/")):
        if "digicert" in found[0].lower():
            yield found.start(), order_in_link(found[0])


def order_in_link(address: str) -> int | None:
    """Return the id of the order that an address leads to; None if it leads to anything else."""
    if len(address) > _LONGEST:
        return None
    address = address.replace("&amp;", "&").replace("&amp;", "&")
    for _ in range(_DEEPEST):
        found = _ADDRESS.match(address)
        if found is None:
            return None
        host = found["host"].lower().rstrip(".")
        if _CERTCENTRAL.fullmatch(host):
            return _order_in(_decoded(found["rest"]))
        if not f".{host}".endswith(_WRAPPERS) or (inner := _unwrapped(host, found["rest"])) is None:
            return None
        address = inner
    return None


def _unwrapped(host: str, rest: str) -> str | None:
    """Return the original address in a mail filter's link; None if there is none."""
    if (third := _PROOFPOINT_3.match(rest)) is not None:
        return _with_replaced(unquote(third["address"]), third["replaced"])
    if host.startswith("urldefense") and rest.lower().startswith("/v2/"):
        # Version 2 writes - for % and _ for /.
        rest = rest.partition("u=")[2].partition("&")[0].replace("-", "%").replace("_", "/")
    parts = re.split("[?&]", rest)
    for part in parts:
        value = _decoded(part)
        if nested := _NESTED.search(value):
            return value[nested.start() :].partition("___")[0]
    return None


def _with_replaced(address: str, replaced: str) -> str:
    """Return the address with the characters that Proofpoint's version 3 replaced by asterisks."""
    try:
        characters = iter(urlsafe_b64decode(replaced + "==").decode("utf-8"))
    except ValueError:
        return address

    def original(asterisks: re.Match[str]) -> str:
        count = 1 if asterisks[1] is None else _RUN_LENGTHS.index(asterisks[1]) + 2
        return "".join(next(characters, "") for _ in range(count))

    return _REPLACED.sub(original, re.sub(r"\A(https?:/)(?=[^/])", r"\1/", address, flags=re.IGNORECASE))


def _decoded(text: str) -> str:
    for _ in range(_DEEPEST):
        if "%" not in text:
            break
        text = unquote(text)
    return text


def _order_in(rest: str, *, is_fragment: bool = False) -> int | None:
    """Return the id in the part after the host: /secure/orders/700001, …/orders/#700001, …?order_id=700001."""
    path, _, fragment = rest.partition("#")
    path, _, query = path.partition("?")
    segments = [segment.lower() for segment in path.split("/") if segment]
    found = [_in_path(segments), _in_query(query)]
    if fragment and not is_fragment:
        is_order_page = bool(segments) and segments[-1] in _ORDER
        in_fragment = _read(fragment.lstrip("!/")) if is_order_page else _in_query(fragment)
        found += [in_fragment, _order_in(fragment, is_fragment=True)]
    return next((order_id for order_id in found if order_id is not None), None)


def _in_path(segments: list[str]) -> int | None:
    """Return the id after /order/ or /orders/. A word may be in between: /order/certificate/700001."""
    for index, segment in enumerate(segments):
        if segment in _ORDER:
            behind = [each for each in segments[index + 1 : index + 3] if each not in _BETWEEN]
            return _read(behind[0]) if behind else None
    return None


def _in_query(query: str) -> int | None:
    pairs = (part.partition("=") for part in re.split("[&;]", query))
    return next((order_id for key, _, value in pairs if key.lower() in _KEYS and (order_id := _read(value))), None)


def _read(text: str) -> int | None:
    found = _ID.match(text)
    return int(found[1]) if found else None
