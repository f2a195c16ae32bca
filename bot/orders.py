"""A text → the order ids in it: numbers beside words that say so, and links to CertCentral; pure."""

import re
from collections.abc import Iterator

# An order id: not part of a larger word, nor the beginning of an amount, a date, a time or an address.
_ID = r"([1-9][0-9]{2,17})(?!\w|%|[.:-][0-9]|,[0-9]{3}(?![0-9])|/[0-9]{1,2}(?![0-9]))"
_LONG_ID = r"([1-9][0-9]{5,17})(?!\w|%|[.:-][0-9])"
_GAP = r"[ \t:=#*_`\"'~(\[|>\u2192\u2502\\\u2013-]"
_BULLET = r"(?:[*\u2022\u25e6\u25aa\u2013-]|[0-9]{1,2}[.)])"
# Never a purchase order or the middle of a word, but orderId, digicertOrderId and digicert_order_id.
_ORDER = (
    r"(?<!purchase.)(?<!change.)(?<!sales.)(?<!work.)(?<!sort.)"
    r"(?:(?<![^\W_])|(?-i:(?<=[a-z])(?=O)))orders?"
)
_KEY = r"[ _-]?(?:ids?|nos?|nrs?|num|numbers?|ref|reference)(?![^\W\d_])\.?"
_IS = rf"(?:{_GAP}(?:is|are|was|with|id|no|number)(?![^\W\d_])\.?){{0,3}}"

_THE_WORD = re.compile("[oO][rR][dD][eE][rR]")
_NEAR = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        rf"{_ORDER}(?:['\u2019]s)?(?:{_KEY})?{_IS}{_GAP}{{0,16}}{_ID}",
        rf"{_ORDER}/certificate/{_ID}",
        # On the next line, where the word is marked as a label or is all of its own line.
        rf"{_ORDER}(?:{_KEY}|(?={_GAP}{{0,8}}[:*=_`|])){_GAP}{{0,12}}\s?\n\s?{_GAP}{{0,16}}{_ID}",
        rf"(?:^|(?<=^digicert )|(?<=^certificate )){_ORDER}[ \t]{{0,8}}\n{_GAP}{{0,16}}{_ID}",
        # The order for shop.example.com (700001).
        rf"{_ORDER}[ ](?:for|of)[ ]\S{{1,260}}?(?:[ ]is|[ ]?[(\[#:]){_GAP}{{0,8}}{_LONG_ID}",
    )
)
_NEXT = re.compile(
    rf"[\s`*_\"')\]]{{0,6}}(?:(?:,|;|&|\+|/|\band\b|\bor\b)\s?){{1,2}}[\s`*_\"'#(\[]{{0,6}}{_LONG_ID}"
    rf"|\s{{0,4}}\n[ \t]*(?:{_BULLET}[ \t]*)?[`*_#]{{0,3}}([1-9][0-9]{{5,17}})[`*_ \t]{{0,4}}(?=\n|\Z)",
    re.IGNORECASE,
)
_LIST_HEAD = re.compile(rf"{_ORDER}(?<=s)[^\n]{{0,60}}\n", re.IGNORECASE)
_LIST_ITEM = re.compile(rf"[ \t]*{_BULLET}[ \t]*[`*_#]{{0,3}}{_LONG_ID}[^\n]*\n?")

# CertCentral's pages and API, of DigiCert's hosts alone.
_IN_LINK = re.compile(
    r"(?<![a-z0-9-])digicert\.(?:com|[a-z]{2}|co\.[a-z]{2})(?::[0-9]{1,5})?/[^\s<>\"'`|]{0,200}?"
    r"(?<![a-z])order(?:s|_?id)?(?:/[a-z-]+)?[/=]([1-9][0-9]{0,17})(?!\w)",
    re.IGNORECASE,
)

# Not [#4711001] or #4711001:, which is how tickets and incidents are titled.
_HASH = re.compile(rf"(?<![\w#&/?=.\[])#[ ]?{_LONG_ID}(?!:)")
# A number sign counts after these words; after any other noun it numbers something else: incidents, builds, monitors.
_BEFORE_HASH = {
    *("a", "also", "and", "at", "cert", "certcentral", "certificate", "certs", "dcv", "digicert", "for", "from", "in"),
    *("is", "of", "on", "or", "pending", "please", "renew", "renewal", "resend", "see", "the", "validation", "waiting"),
}

_COLUMN_END = re.compile(r"[ \t]*[,;|\t\u2502][ \t]*| {2,}")
_COLUMN_HEAD = re.compile(rf"(?:(?:digicert|certificate)[ _])?{_ORDER}(?:{_KEY})?", re.IGNORECASE)
_AROUND_CELL = "`*\"' "


def orders_in(text: str) -> Iterator[tuple[int, int]]:
    """Each order id and where in `text` it stands; an id may come twice, and not in order of appearance."""
    yield from _in_links(text)
    read: set[int] = set()
    yield from _behind_hash(text, read)
    yield from _near_the_word(text, read)
    yield from _in_lists(text)
    yield from _in_columns(text)


def _in_links(text: str) -> Iterator[tuple[int, int]]:
    for found in _IN_LINK.finditer(text):
        yield found.start(1), int(found[1])


def _behind_hash(text: str, read: set[int]) -> Iterator[tuple[int, int]]:
    for found in _HASH.finditer(text):
        line = text[max(0, found.start(1) - 60) : found.start(1)].rpartition("\n")[2]
        before = line.rpartition("#")[0].split()
        if not before or _may_stand_before_hash(before[-1]):
            yield from _one_and_following(text, found, read)


def _may_stand_before_hash(word: str) -> bool:
    bare = word.strip("()[]{}*_`'\",;:|\u2022\u2013-").lower()
    return not bare or bare in _BEFORE_HASH or re.fullmatch(r"\S+\.[^\W\d_]+", bare) is not None


def _near_the_word(text: str, read: set[int]) -> Iterator[tuple[int, int]]:
    for word in _THE_WORD.finditer(text):
        for pattern in _NEAR:
            yield from _one_and_following(text, pattern.match(text, word.start()), read)


def _one_and_following(text: str, found: re.Match[str] | None, read: set[int]) -> Iterator[tuple[int, int]]:
    """An order id and those that a comma, an “and” or the next line adds, up to where this was `read` before."""
    while found and found.end() not in read:
        digits = found.lastindex or 1
        read.add(found.end())
        yield found.start(digits), int(found[digits])
        found = _NEXT.match(text, found.end())


def _in_lists(text: str) -> Iterator[tuple[int, int]]:
    """Bullets that begin with a number, below a line that speaks of orders."""
    end = 0
    for word in _THE_WORD.finditer(text):
        head = _LIST_HEAD.match(text, word.start()) if word.start() >= end else None
        item = head and _LIST_ITEM.match(text, head.end())
        while item:
            yield item.start(1), int(item[1])
            end = item.end()
            item = _LIST_ITEM.match(text, end)


def _in_columns(text: str) -> Iterator[tuple[int, int]]:
    """Numbers below the head of a column: comma-separated values, Markdown, or what is set out with spaces."""
    if not _THE_WORD.search(text):
        return
    column = None
    for line in re.finditer(r"[^\n]+", text):
        cells = [cell.strip(_AROUND_CELL) for cell in _COLUMN_END.split(line[0].strip("|\u2502 \t"))]
        if column is not None and column < len(cells) and re.fullmatch("[1-9][0-9]{2,17}", cells[column]):
            yield line.start(), int(cells[column])
        elif column is None or any(letter.isalnum() for letter in line[0]):
            column = _order_column(cells)


def _order_column(cells: list[str]) -> int | None:
    heads = (index for index, cell in enumerate(cells) if _COLUMN_HEAD.fullmatch(cell))
    return next(heads, None) if len(cells) > 1 else None
