"""Search for the order ids in a text: numbers beside words that say so, and links to CertCentral. Pure."""

import csv
import re
from collections.abc import Iterable, Iterator

from bot.parsing.order_ids import LABELLED_ID, LONG_ID, ORDER_ID, id_of, read_cell
from bot.parsing.order_links import linked_orders
from bot.parsing.order_words import KEY, OrderWord, lowered, order_words
from bot.parsing.work_budget import WorkBudget

MOST_WORK = 2000

# Every pattern matches lower case, has a limit for each repetition unless it is possessive, and begins at a word that
# was found. So the work is bounded by the number of such words.
_GAP = r"[ \t:=#*_`\"'~({\[|<>\\\u00a0\u2013\u2014\u2192\u2502\u00ab\u00bb\u201c\u201d\u201e\u300c\u300d\u3010\u3011-]"
_MARKS = r"[`*_\"'#(\[]"
_BULLET = r"(?:[*\u2022\u25e6\u25aa\u00b7\u2013-]|[0-9]{1,2}[.)])"
_BLANK = r"[ \t\r]{0,80}+"
_LINE_ENDS = rf"{_BLANK} (?:\n{_BLANK}){{1,4}}+"
_FOR = r"(?:for|of|f\u00fcr|pour|para|per|\u0434\u043b\u044f|de|di)"
_IS = rf"""
    (?:
        {_GAP}{{0,2}}
        (?:
            (?:
                is|are|was|were|with|the|id|no|nr|number|numbered|ist|lautet|mit|der|est|es|son|sono|com|con|avec|le|la
              | \u00e8|\u00e9|nummer|n[u\u00fa]mero|num\u00e9ro|o|\u0441|\u043d\u043e\u043c\u0435\u0440(?:\u043e\u043c)?
            )
            (?![^\W\d_]) [.]?
          | [\u306f\u304c\u306e\u7684\u662f\u70ba\u4e3a\uc740\ub294\uc774\uac00\uc758]    # は が の 的 是 은 이
          | n[.]?[\u00ba\u00b0] | \u2116                                       # nº, n°, №
        )
    ){{0,4}}
"""
_UNITS = r"(?![ ]?(?:[mn\u00b5]s|secs?|seconds?|min|minutes?|bytes?|[kmgt]i?b|rows?|lines?|widgets?|items?)(?![^\W_]))"


_ADDRESS = re.compile(r"https?://[^\s<>\"'`|,;)\]}]++", re.IGNORECASE)


def _verbose(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.VERBOSE)


_LABEL = _verbose(rf"(?:['\u2019]s)? (?P<key>[ ]? {KEY})? (?:[ ]?\([^()\n0-9]{{1,30}}\))?")
_FIRST = tuple(
    _verbose(
        rf"""
        {_IS} {_GAP}{{0,16}} {order_id}             # order 700001, order id is #700001
        """
    )
    for order_id in (LONG_ID + _UNITS, ORDER_ID + _UNITS, LABELLED_ID)
)
_BELOW = tuple(
    _verbose(
        rf"""
        {_GAP}{{0,12}} {_LINE_ENDS} {_GAP}{{0,16}} {order_id}   # a label, and the id on a line below
        """
    )
    for order_id in (LONG_ID, ORDER_ID, LABELLED_ID)
)
_MARKED_AS_LABEL = _verbose(rf"{_GAP}{{0,8}} [:*=_`|]")
_OTHER_WAYS = (
    # PUT /order/certificate/700001/resend-emails
    _verbose(rf"/certificate/{ORDER_ID}"),
    # the order for shop.example.com is 700001, the order for shop.example.com (700001)
    _verbose(
        rf"""
        [ ]{_FOR}[ ] {_MARKS}{{0,3}} [\w.*-]{{1,260}}+ [`*_"']{{0,3}}
        (?:[ ](?:is|ist|est|es|\u00e8|\u00e9) | [ ]?[(\[\#:=\u2192\u2013-]) {_GAP}{{0,8}} {LONG_ID}
        """
    ),
)
_OWN_LINE = _verbose(r"\n [ \t*_`\u2022-]{0,8} (?:(?:digicert|certcentral|certificate)[ ]){0,2} \Z")

# What a list says about an order before it names the next one.
_OF = rf"""
        [ ]? [(\[][^()\[\]\n]{{0,60}}[)\]]                                        # (corp)
      | [ ] {_FOR} [ ] {_MARKS}{{0,2}} [\w.*@-]{{1,100}}+                         # for shop.example.com
      | [ ] {_MARKS}{{0,2}} (?:\*\.)? [a-z][\w+-]{{0,63}}+ [.@] [\w@.-]{{1,190}}+ # ana@example.com
"""
_IS_OF = rf"[ ]? [:=|\u00b7\u2022\u2192>\u2013\u2014-] [ ]? (?![0-9]{{5}}) {_MARKS}{{0,2}} [\w.*@-]{{1,100}}+"
_AND = r"(?:and|or|und|oder|et|ou|y|o|e|\u0438|\u0438\u043b\u0438|as[ ]well[ ]as)"
_COMMA = rf"(?: (?:[,;&+/\u3001]|\b{_AND}\b|[\u3068\u548c\u53ca]) \s? ){{1,2}}"
_BELOW_IT = rf"""
    {_BLANK} (?:\n{_BLANK}){{1,3}} (?:{_BULLET}[ \t]{{0,8}})?       # alone on a line below
    [`*_\#]{{0,3}} {LONG_ID} [`*_ \t\r]{{0,4}} (?=\n|\Z)
"""
_NEXT = _verbose(
    rf"""
    (?: {_OF} ){{0,2}} [\s`*_"')\]]{{0,6}} {_COMMA}                 # order 700001, 700002
    [\s`*_"'\#(\[]{{0,6}} {LONG_ID} {_UNITS}
  | {_BELOW_IT}
    """
)
_NEXT_OF_SEVERAL = _verbose(
    rf"""
    (?: {_OF} | {_IS_OF} ){{0,2}} [\s`*_"')\]]{{0,6}} {_COMMA}      # orders 700001 - corp, 700002 - shop
    [\s`*_"'\#(\[]{{0,6}} {LONG_ID} {_UNITS}
  | [`*_]{{0,3}} (?:[ \t]{{1,4}} | [ ]? [|\u00b7\u2022] [ ]?) [\#`*_]{{0,3}} {LONG_ID} {_UNITS}   # orders 700001 700002
  | {_BELOW_IT}
    """
)

_LIST_HEAD = _verbose(rf"(?P<rest>[^\n]{{0,60}}) {_LINE_ENDS}")
_LIST_ITEM = _verbose(
    rf"""
    (?P<bullet>{_BULLET}[ \t]{{0,8}})? {_MARKS}{{0,3}} {LONG_ID} {_UNITS} (?P<tail>[^\n]*+) (?:{_LINE_ENDS})?
    """
)

# Not [#4711001] or #4711001:, which is how tickets and incidents are titled.
_HASH = _verbose(rf"(?<![\w\#&/?=.\[]) \# [ ]? {LONG_ID} (?!:)")
# A number sign counts after these words. After another noun it numbers something else: incidents, builds, monitors.
_BEFORE_HASH = {
    *("a", "also", "and", "at", "cert", "certcentral", "certificate", "certs", "dcv", "digicert", "for", "from", "in"),
    *("is", "of", "on", "or", "pending", "please", "renew", "renewal", "resend", "see", "the", "validation", "waiting"),
}
# [Domain Approval]: … :shop.example.com 700001, the subject of DigiCert's own emails.
_SUBJECTS = ("[action required]", "[domain approval]")
_BEHIND_NAME = _verbose(rf"[\w-]\.[\w-]{{2,63}} [ ]{{1,2}} [\#({{]{{0,2}} {LONG_ID}")

_DELIMITERS = ("\t", "|", "\u2502", ";", ",")
_ALIGNED = re.compile(r" {2,}")
_LONGEST_CELL = 80
_MOST_COLUMNS = 50
_BEFORE_COLUMN_HEAD = _verbose(
    r"""
    [\s\#]{0,3}
    (?:
        (?: digicert | certcentral | certificate | cert | ca | tls | ssl | pending | the | of | de | du | do | da
          | del | dell | della | d | des | number | no | nr | num | id | n[uú]mero | numéro | n | номер | \u2116 )
        [\s.'\u2019_\u00b0\u00ba\#-]{0,3}
    ){0,5}
    """
)


def find_order_ids(text: str, budget: WorkBudget | None = None) -> Iterator[tuple[int, int]]:
    """Yield the position of each order id in `text`, and the id. An id may come twice, and not in order of appearance.

    Each word, link and id is a unit of work. Once `budget` is spent, the rest is not read.
    """
    return _OrderScanner(text, budget or WorkBudget(MOST_WORK)).orders()


class _OrderScanner:
    """One pass over a text."""

    def __init__(self, text: str, budget: WorkBudget) -> None:
        self._links = text
        # The words of an address do not count: the link of a web shop may have order=700001 too.
        self._text = _ADDRESS.sub(lambda address: " " * len(address[0]), text) if "//" in text else text
        self._low = lowered(self._text)
        self._budget = budget
        self._read: set[int] = set()

    def orders(self) -> Iterator[tuple[int, int]]:
        if "digicert" in self._links.lower():
            links = self._budget.limit(linked_orders(self._links))
            yield from ((at, order_id) for at, order_id in links if order_id is not None)
        if self._low.isspace():
            return
        words = list(self._budget.limit(order_words(self._text, self._low)))
        yield from self._behind_hash()
        for word in words:
            yield from self._near(word)
        yield from self._in_lists(words)
        yield from self._in_columns(words)
        yield from self._in_subjects()

    def _behind_hash(self) -> Iterator[tuple[int, int]]:
        for found in self._budget.limit(_HASH.finditer(self._low)):
            line = self._low[max(0, found.start(1) - 60) : found.start(1)].rpartition("\n")[2]
            before = line.rpartition("#")[0].split()
            if not before or _may_precede_hash(before[-1]):
                yield from self._one_and_following(found)

    def _near(self, word: OrderWord) -> Iterator[tuple[int, int]]:
        label = _LABEL.match(self._low, word.end)
        end, has_key = (label.end(), bool(label["key"])) if label else (word.end, False)
        pattern = 2 if has_key or word.is_labelled else 1 if self._low.startswith("order", word.start) else 0
        ways = [_FIRST[pattern].match(self._low, end)]
        if has_key or _MARKED_AS_LABEL.match(self._low, end) or self._is_own_line(word):
            ways.append(_BELOW[pattern].match(self._low, end))
        ways += [way.match(self._low, end) for way in _OTHER_WAYS]
        for found in ways:
            yield from self._one_and_following(found, is_several=word.is_several)

    def _is_own_line(self, word: OrderWord) -> bool:
        before = self._low[max(0, word.start - 40) : word.start]
        return _OWN_LINE.search(before if word.start > 40 else f"\n{before}") is not None

    def _one_and_following(self, found: re.Match[str] | None, *, is_several: bool = False) -> Iterator[tuple[int, int]]:
        """Yield an order id and those that a comma, an "and" or the next line adds, each place once."""
        while found and found.end() not in self._read and self._budget.spend():
            self._read.add(found.end())
            digits = found.lastindex or 1
            if (order_id := id_of(found[digits])) is not None:
                yield found.start(digits), order_id
            found = (_NEXT_OF_SEVERAL if is_several else _NEXT).match(self._low, found.end())

    def _in_lists(self, words: Iterable[OrderWord]) -> Iterator[tuple[int, int]]:
        """Yield the numbers at the start of the lines below a line about orders."""
        end = 0
        for word in words:
            head = _LIST_HEAD.match(self._low, word.end) if word.start >= end else None
            label = _LABEL.match(self._low, word.end)
            if head is None or label is None:
                continue
            is_label = not self._low[label.end() : head.end("rest")].strip(" \t\r*_`\"')]:")
            has_mark = is_label and (bool(label["key"]) or ":" in head["rest"])
            if not (word.is_several or has_mark):
                continue
            items = list(self._items(head.end()))
            # A single line that begins with a number is no list.
            if len(items) > 1 or has_mark or any(item["bullet"] or (is_label and _is_all(item)) for item in items):
                yield from ((item.start(2), order_id) for item in items if (order_id := id_of(item[2])) is not None)
                end = items[-1].end() if items else end

    def _items(self, at: int) -> Iterator[re.Match[str]]:
        while (item := _LIST_ITEM.match(self._low, at)) and self._budget.spend():
            yield item
            at = item.end()

    def _in_columns(self, words: Iterable[OrderWord]) -> Iterator[tuple[int, int]]:
        """Yield the numbers below the head of a column, in comma-separated values, Markdown, or aligned by spaces."""
        end = 0
        for word in words:
            if word.start < end:
                continue
            start, end = self._low.rfind("\n", 0, word.start) + 1, self._line_end(word.end)
            if head := _column_head(self._text[start:end], self._low[start:end]):
                yield from self._in_column(end, *head)

    def _in_column(self, end: int, delimiter: str, column: int) -> Iterator[tuple[int, int]]:
        while end < len(self._low) and self._budget.spend():
            start, end = end + 1, self._line_end(end + 1)
            line = self._low[start:end]
            if not any(map(str.isalnum, line)):
                continue
            cells = _cells(line, delimiter)
            if column >= len(cells):
                return
            if (order_id := read_cell(cells[column])) is not None:
                yield start, order_id

    def _line_end(self, at: int) -> int:
        end = self._low.find("\n", at)
        return len(self._low) if end < 0 else end

    def _in_subjects(self) -> Iterator[tuple[int, int]]:
        for subject in _SUBJECTS:
            at = self._low.find(subject)
            found = _BEHIND_NAME.search(self._low[at : at + 400].partition("\n")[0]) if at >= 0 else None
            if found and (order_id := id_of(found[1])) is not None:
                yield at + found.start(1), order_id


def _is_all(item: re.Match[str]) -> bool:
    """Return True if the line has only the id."""
    return not item["tail"].strip(" `*_\t\r")


def _may_precede_hash(word: str) -> bool:
    bare = word.strip("()[]{}*_`'\",;:|\u2022\u2013-")
    return not bare or bare in _BEFORE_HASH or re.fullmatch(r"\S{1,250}\.[^\W\d_]{1,63}", bare) is not None


def _column_head(line: str, low: str) -> tuple[str, int] | None:
    """Return the delimiter of a table's head, and the index of its column of order ids; None if it is no head."""
    for delimiter in (*_DELIMITERS, ""):
        cells = _cells(low, delimiter)
        if len(cells) > 1:
            originals = _cells(line, delimiter)
            heads = (at for at, cell in enumerate(cells[:_MOST_COLUMNS]) if _is_column_head(originals[at], cell))
            if (column := next(heads, None)) is not None:
                return delimiter, column
    return None


def _is_column_head(cell: str, low: str) -> bool:
    if len(low) > _LONGEST_CELL:
        return False
    for word in order_words(cell, low):
        label = _LABEL.match(low, word.end)
        rest = low[label.end() if label else word.end :].strip(" #\u2116.:`*\"'\t\r")
        if not rest and _BEFORE_COLUMN_HEAD.fullmatch(low[: word.start].strip(" `*\"'\t")):
            return True
    return False


def _cells(line: str, delimiter: str) -> list[str]:
    """Return the cells of one line. An empty delimiter means two spaces or more."""
    bare = line.strip("|\u2502 \t\r`")
    if not delimiter:
        return _ALIGNED.split(bare)
    if '"' in bare:
        try:
            return next(csv.reader([bare], delimiter=delimiter), [])
        except csv.Error:
            pass
    return bare.split(delimiter)
