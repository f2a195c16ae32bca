"""Order ids as people, spreadsheets and locales write them. Pure."""

import re

MOST_DIGITS = 18

_SPACES = " \u00a0\u2007\u2008\u2009\u202f"
_APOSTROPHES = "'\u2019\u02bc"
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"


def _id_pattern(fewest_digits: int, single: str) -> str:
    """Return a verbose pattern with one group: an id of at least `fewest_digits` digits, or one in groups of three.

    `single` matches the digits before a single separator, as in 700,001; empty if that is no id. The id is no part of a
    larger word, and not the beginning of an amount, a date, a time or an address.
    """

    def groups(separator: str) -> str:
        several = rf"[1-9][0-9]{{0,2}} (?:{separator}[0-9]{{3}}(?![0-9])){{2,5}}+"
        return rf"{several} | {single} {separator}[0-9]{{3}}" if single else several

    return rf"""
    (
        (?!{_OCTET}(?:\.{_OCTET}){{3}}(?![.0-9]))            # never an IP address
        (?:
            {groups(",")}                                   # 1,483,920,571
          | {groups("[.]")}                                 # 1.483.920.571
          | {groups(f"[{_APOSTROPHES}]")}                   # 1'483'920'571
          | {groups(f"[{_SPACES}]")}                        # 1 483 920 571
          | {groups(chr(0x66C))}                            # the Arabic thousands separator
          | [1-9][0-9]? (?:,[0-9]{{2}}(?![0-9])){{1,7}}+ ,[0-9]{{3}}  # 1,48,39,20,571, as in India
          | [1-9] [.,] [0-9]{{5,17}} [eE] [+]? [0-9]{{1,2}} # 1.483920571E9, of a spreadsheet
          | 0{{0,20}}+ [1-9] [0-9]{{{fewest_digits - 1},{MOST_DIGITS - 1}}}+
        )
        (?:[.,]0)?                                          # 700001.0, of a spreadsheet
    )
    (?!
        [\w%$\u20ac\u00a3\u00a5\u20b9]                      # a larger word, a share, an amount
      | [.:{_APOSTROPHES}-][0-9]                            # an amount, a time, a date, an address
      | ,[0-9]{{3}}(?![0-9])                                # one more group
      | [{_SPACES}]?(?:usd|eur|gbp|chf|jpy|inr|krw|cny|brl|rub|[$\u20ac\u00a3\u00a5\u20b9])(?!\w)  # an amount
      | /[0-9]{{1,2}}(?![0-9])                              # a date
    )
    """


# An id after a label like "order id"; after the word "order" alone; after a weaker hint.
LABELLED_ID = _id_pattern(3, "[1-9][0-9]{2}")
ORDER_ID = _id_pattern(3, "")
LONG_ID = _id_pattern(6, "")

_ALONE = _id_pattern(3, "[1-9][0-9]{0,2}")
_CELL = re.compile(_ALONE, re.VERBOSE)
_ANYWHERE = re.compile(rf"(?<![\w.,]) {LABELLED_ID}", re.VERBOSE)
# If a person typed only an id, it may have fewer digits, or too many: then the answer says so.
_TYPED = re.compile(rf"(?: {_ALONE} | (?P<digits>[0-9]++) (?:[.,]0)? ) [.]?", re.VERBOSE)
_SCIENTIFIC = re.compile(r"([1-9])[.,]([0-9]+)[eE][+]?([0-9]{1,2})(?:[.,]0)?")
_ZERO_SHARE = re.compile(r"(?<=[0-9])[.,]0\Z")


def id_of(written: str) -> int | None:
    """Return the id of a match of one of the patterns; None if digits are lost (1.48E9) or there are too many."""
    if written.isdecimal() and len(written) <= MOST_DIGITS:
        return int(written) or None
    if scientific := _SCIENTIFIC.fullmatch(written):
        first, rest, exponent = scientific.groups()
        written = first + rest if len(rest) == int(exponent) else ""
    digits = "".join(char for char in _ZERO_SHARE.sub("", written) if char in "0123456789").lstrip("0")
    return int(digits) if 0 < len(digits) <= MOST_DIGITS else None


def read_cell(text: str) -> int | None:
    """Return the id in a table's cell; None if the cell has anything else."""
    bare = text.strip("`*\"'=# \t\r").removesuffix(".00")
    found = _CELL.fullmatch(bare) if len(bare) <= 40 else None
    return id_of(found[1]) if found else None


def typed_digits(text: str) -> str | None:
    """Return the digits of an id that a person typed, without leading zeros; None if it is anything else."""
    found = _TYPED.fullmatch(text)
    if found is None:
        return None
    if found["digits"] is not None:
        return found["digits"].lstrip("0") or "0"
    order_id = id_of(found[1])
    return None if order_id is None else str(order_id)


def id_end(text: str, at: int) -> int:
    """Return the end of the id that starts at `at`; `at` itself if there is none."""
    found = _CELL.match(text, at)
    return found.end(1) if found else at


def ids_in(text: str) -> list[tuple[int, int, int]]:
    """Return each number that could be an id: its start, its end, and the id."""
    found = ((match, id_of(match[1])) for match in _ANYWHERE.finditer(text))
    return [(match.start(1), match.end(1), order_id) for match, order_id in found if order_id is not None]
