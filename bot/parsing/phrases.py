"""Search for the one order id or name that a typed or pasted phrase of several words is about. Pure."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice, pairwise

from bot.parsing.order_ids import id_end, ids_in
from bot.parsing.order_mentions import find_order_ids
from bot.parsing.order_words import KEY, lowered, order_words
from bot.parsing.work_budget import WorkBudget

# A number of fewer digits is a count, a day or a year.
_LEAST_ID = 10_000
_MOST_NAMES = 50
_MOST_WORK = 200


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TOKEN = re.compile(r"[^\s<>()\[\]{}\"'\u201c\u201d\u2018\u2019`,;!?|@\u00b7\u2022\u2192=\u2026]+")
_WORD = re.compile(r"[^\W\d_]++(?:-[^\W\d_]++)*+")
_KEY = re.compile(KEY, re.VERBOSE)

# Words that add nothing to an order id or to a name.
_POLITE = _words("please pls plz bitte look up resend send the for dcv digicert certcentral")
_AROUND_ID = _POLITE | _words("pending waiting waits my our your this number no nr nro id nummer número numéro номер")
_AROUND_NAME = _POLITE | _words("domain domains name host hostname fqdn cn common wildcard")
_AROUND_ORDER = _AROUND_ID | _words(
    """
    certificate certificates cert certs ssl tls dv ov ev validation validate email emails e-mail e-mails mail mails
    of on is with number numbers num no nr id ids ref reference nummer für mit der die des den zertifikat
    numéro número numero núm n nº n° réf référence referencia riferimento de del della dell di d du do da la le el il
    o номер идентификатор сертификат
    """
)
# Words that add a second thing to the first.
_BESIDE = _words("and or plus also then not und oder sowie et ou y e и или")
_LISTING = _words("and und et y e и more")
_SECOND_DOMAIN = re.compile(r"\bdomains?[\s:*]*\Z")
_MARKS = set("\u00b7|:\u2013\u2014-(\u2192=[\t")
# The bot's own lines and options begin with the id: 700001 · shop.example.com.
_FIRST_IN_LINE = re.compile(r"[\s*`]{0,9}([1-9][0-9]{0,17})[*`]{0,3} \u00b7 ")
_SUBJECTS = ("[action required]", "[domain approval]")


@dataclass(frozen=True, slots=True)
class Phrase:
    """The subject of a phrase: an order, perhaps with a name that describes it, or a name.

    If `is_label`, the phrase has no other words. Otherwise it is a sentence.
    """

    order_id: int | None
    name: str | None
    is_label: bool


Span = tuple[int, int]


def read_phrase(text: str, name_of: Callable[[str], str | None]) -> Phrase | None:
    """Return the subject of the phrase; None if it is not exactly one order or one name.

    "Order 700001 (shop.example.com)" is about an order, which the name describes. "700001 and shop.example.com" is
    about two things. `name_of` returns the name that a word is, if it is one.
    """
    tokens = [found for found in _TOKEN.finditer(text) if "." in found[0]]
    if "@" in text or len(tokens) > _MOST_NAMES:
        return None
    names = {_bare_span(found): name for found in tokens if (name := _name(found[0], name_of))}
    rest = _blanked(text, names)
    labelled = {(at, id_end(text, at)): each for at, each in find_order_ids(text, WorkBudget(_MOST_WORK))}
    if names and (first := _FIRST_IN_LINE.match(text)):
        labelled[first.span(1)] = int(first[1])
    numbers = {(start, end): each for start, end, each in ids_in(_blanked(rest, labelled)) if each >= _LEAST_ID}
    ids = {*labelled.values(), *numbers.values()}
    if not ids:
        says_domain = any(_SECOND_DOMAIN.search(text[:start].lower()) for start, _ in names)
        return _about_name(rest, set(names.values()), says_domain=says_domain)
    own = sorted(span for span in (*labelled, *numbers) if span[0] < span[1])
    if len(ids) > 1 or not own:
        return None
    is_label = _says_only(_blanked(rest, own), _AROUND_ORDER if labelled else _AROUND_ID)
    if not (labelled or is_label) or not _all_describe(text, own, list(names), is_labelled=bool(labelled)):
        return None
    described = set(names.values())
    return Phrase(ids.pop(), described.pop() if len(described) == 1 else None, is_label)


def _about_name(rest: str, names: set[str], *, says_domain: bool) -> Phrase | None:
    if len(names) != 1:
        return None
    is_label = _says_only(rest, _AROUND_NAME)
    return Phrase(None, names.pop(), is_label) if is_label or says_domain else None


def _name(token: str, name_of: Callable[[str], str | None]) -> str | None:
    bare = token.strip(".:*_~-")
    result = re.split("[/:#]", bare.partition("://")[2] or bare, maxsplit=1)[0].rpartition(".")[2]
    return name_of(token.strip(":_~").rstrip("*")) if len(result) > 1 and not result.isdecimal() else None


def _bare_span(token: re.Match[str]) -> Span:
    return token.start(), token.start() + len(token[0].rstrip(".:*_~-"))


def _blanked(text: str, spans: Iterable[Span]) -> str:
    """Return the text with spaces in place of the spans."""
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _says_only(rest: str, words: frozenset[str]) -> bool:
    """Return True if there are only these words, and "order number" in any language, but no digits."""
    low = lowered(rest)
    for word in islice(list(order_words(rest, low)), _MOST_NAMES):
        key = _KEY.match(low, word.end)
        low = _blanked(low, [(word.start, key.end() if key else word.end)])
    return not any(map(str.isdigit, low)) and words.issuperset(_WORD.findall(low))


def _all_describe(text: str, own: list[Span], names: list[Span], *, is_labelled: bool) -> bool:
    """Return True if each name describes the order, and none is a second thing beside it."""
    before = [span for span in names if span[1] <= own[0][0]]
    behind = [span for span in names if span[0] >= own[-1][1]]
    if len(before) + len(behind) < len(names):
        return False
    low = lowered(text)
    if before and not _leads_over(low, (before[-1][1], own[0][0]), may_be_comma=False):
        return False
    if not behind:
        return True
    first = low[own[-1][1] : behind[0][0]]
    is_list = bool(_MARKS.intersection(first) or _WORD.search(first))
    return _leads_over(low, (own[-1][1], behind[0][0]), may_be_comma=is_labelled) and all(
        is_list and _lists(low[one[1] : other[0]]) for one, other in pairwise(behind)
    )


def _leads_over(low: str, gap: Span, *, may_be_comma: bool) -> bool:
    """Return True if the text between an id and a name makes the name a description: "(", "for", "·"."""
    between = low[gap[0] : gap[1]]
    words = set(_WORD.findall(between))
    if words & _BESIDE or set(";&+\n").intersection(between) or _SECOND_DOMAIN.search(between):
        return False
    if _MARKS.intersection(between) or (may_be_comma and "," in between) or low.startswith(_SUBJECTS):
        return True
    return not _says_only(between, frozenset()) and not words <= {"no", "nr", "id", "number"}


def _lists(between: str) -> bool:
    """Return True if the text between two names makes them one list: a, b and c."""
    return ")" not in between and _LISTING.issuperset(_WORD.findall(between)) and not set(";\n").intersection(between)
