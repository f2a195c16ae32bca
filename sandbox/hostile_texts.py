"""Texts that are meant to slow down a parser, and messages full of them, for tests and benchmarks."""

from typing import Any

LONGEST_TEXT = 40_000
BLOCKS, LONGEST_BLOCK = 50, 3_000

MARKUP = (
    *("<http://7|x>", "<http://a7.io/|x> ", "<https://a7.io|a7.io>", "<https://digicert.com/orders/7|x>", "<a:7|x>"),
    *("<", ">", "|", "<|", "<a:", "<a:b|", "<mailto:", "<mailto:<mailto:", "<mailto:a@b.c|a@b.c>", "<http://"),
    *("<tel:7", "<@U0ANA>", "<@U", "<!date^1^{date}|", "<#", "</a ", "<b ", "&lt;", "&amp;", "&amp;amp;", "`"),
    *("```", "*", "*.", "_", "_a", " _a", "~", "> ", ">>>", "*`", "`*", "[", "](", "{", "\\n", "\\/", "\\u003c"),
    *("\\"),
)
NUMBERS = (
    *("7", "70000", "700001", "00", "0000700001", "700001 ", "700001, ", "700001\n", "1,483,920,571 ", "1,483,"),
    *("1 483 ", "1.483.", "7.00001E5 ", "700001.0 ", "10.0.0.1 ", "2026.11.29 ", "12:30 ", "#", "# ", "#700001 "),
    *("and #700001, "),
)
ORDERS = (
    *("order", "order ", "orders ", "order,", "order\n", "orders\n", "order no ", "order is ", "order id: "),
    *("order # ", "order for x(", "order for a.b ", "• 700001\n", "• 700001 orders\n", "orders: 700001 (a), "),
    *("order,a\n", "|order|", "Auftrag ", "Auftrags-Nr. ", "numéro de ", "numéro de commande ", "номер заказа "),
    *("注文", "注文番号", "주문", "订单号", "digicert.com/", "www.digicert.com/secure/orders/"),
    *("https://www.digicert.com/orders/700001 ", "%2F", "%252F", "/orders"),
    *("https://urldefense.com/v3/__https://digicert.com/*__;Iw!! ", "safelinks.protection.outlook.com/?url="),
    *("digicert", "[domain approval] ", "[action required] a.io "),
)
NAMES = (
    *("a", "a.", ".", "..", "-", "--", "a-", "a.b", "a.io", "a.io ", "a.io-1", "a.io_", "_a.", "xn--"),
    *("xn--a.io ", "xn--a.", "ü.io ", "ü", "bücher.de,", "例a", "例", "main.rs ", "main.rs, cert ", "a.pl "),
    *("a.io+", "*.a.io", "a@", "@", "a@b.io ", "/", "//", "/a.io", "/CN=a.io", "/O=a b", "http://", "http://a"),
    *("https://a.io,", "C:\\a\\", ":", "a.io:", "a.io:443", "CN=", "domain ", "certificate ", "cert `a.pl "),
    *("a.tls ", "a.io.tls ", "WILDCARD.", "e.g. ", "1.5 ", "a.crt "),
)
UNICODE = (
    *("\u0301", "\u0301\u0323", "a\u0301", "\u202e", "\u200b", "\u200d", "\ufeff", "\ufdfa", "\u3300", "\u2474"),
    *("\xa0", "\ud800", "\x00", "\U0001f600", "\u1100", "\uac00\u0327", "\u0f73", "\u0130", "\u1e9e"),
    *("\u0130.io ", "\uff0e", "\uff0eio ", "\u3002"),
)
SPACE = (" ", "\n", "\t", "\r\n", " \n", "\n\n", "  ", ", ", "; ", " and ", " in ", " to ", "| ", "\t|")
PIECES = (*MARKUP, *NUMBERS, *ORDERS, *NAMES, *UNICODE, *SPACE)


def long_text(unit: str, length: int, first: int = 7) -> str:
    """Return a text of this length that repeats `unit` below a line that looks like a list's heading.

    Each 7 in the unit is replaced by another number, so that no cache helps the parser.
    """
    repeated = (unit.replace("7", str(number)) for number in range(first, first + length // len(unit) + 1))
    return f"order,domain\norders:\n{''.join(repeated)}"[:length]


def blocks_of(unit: str) -> dict[str, Any]:
    """Return a message with as many sections as Slack allows. Each is as long as allowed, and no two are alike."""
    texts = (long_text(unit, LONGEST_BLOCK, number * LONGEST_BLOCK) for number in range(BLOCKS))
    return {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text}} for text in texts]}


def nested(unit: str) -> dict[str, Any]:
    """Return a message with deeply nested rich text."""
    node: dict[str, Any] = {"type": "text", "text": long_text(unit, LONGEST_TEXT)}
    # 200 levels are far beyond what Slack sends, and still below Python's recursion limit.
    for _ in range(200):
        node = {"type": "rich_text_section", "elements": [node, {"type": "text", "text": unit}]}
    return {"blocks": [{"type": "rich_text", "elements": [node]}], "text": ">" * 3_000 + unit}
