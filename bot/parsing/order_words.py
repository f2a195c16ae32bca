"""The words for "order" and for its number, in the languages of DigiCert's emails. Pure.

Each pattern matches text in lower case (see `lowered`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Stems with their inflections, the longest first: a pattern matches the first alternative that fits.
_ORDER: dict[str, tuple[str, ...]] = {
    "English": ("orders", "order"),
    "German": (
        *("aufträgen", "aufträge", "auftrages", "auftrags", "auftrage", "auftrag", "auftr."),
        *("bestellungen", "bestellungs", "bestellung", "bestell", "best.-"),
    ),
    "Spanish": ("pedidos", "pedido", "órdenes", "ordenes", "orden"),
    "French": ("commandes", "commande", "cdes", "cde", "cmde"),
    "Italian": ("ordinativo", "ordini", "ordine", "ord."),
    "Portuguese": ("encomendas", "encomenda", "ordens", "ordem"),
    "Russian": (
        *("заказами", "заказам", "заказах", "заказом", "заказов", "заказы", "заказу", "заказе", "заказа", "заказ"),
        "зак.",
    ),
    "Japanese": ("ご注文", "注文", "オーダー", "受注"),
    "Korean": ("주문", "오더"),
    "Chinese": ("订单", "訂單", "定单", "订购", "訂購"),
}
# Plural forms. Languages without plurals count as either.
_SEVERAL = {
    *("orders", "aufträgen", "aufträge", "bestellungen", "pedidos", "órdenes", "ordenes", "commandes", "cdes"),
    *("ordini", "encomendas", "ordens", "заказами", "заказам", "заказах", "заказов", "заказы"),
    *_ORDER["Japanese"],
    *_ORDER["Korean"],
    *_ORDER["Chinese"],
}
_WORD = re.compile("|".join(re.escape(word) for words in _ORDER.values() for word in words))
_UNSPACED = re.compile(r"[\u3040-\u9fff\uac00-\ud7af]")

# Words directly before "order" that give it another meaning: a purchase order is not DigiCert's.
_OTHERS = ("purchase", "change", "sales", "work", "sort")
_OTHERS_BEHIND = re.compile(r"\s(?:de\s(?:compra|trabajo|trabalho|serviço)|del\sgiorno)\b")
_COMPOUND = ("zertifikats", "zertifikat")

# "Number" in all these languages, as it follows "order": ids, no., nr., n.º, №, 番号.
KEY = r"""
    (?:
        [ _\-./]{0,2}
        (?:
            numbers? | numbered | num | nummern? | nos? | nro | nrs? | ids? | n | ref(?:erence|erenz|erencia|erência)?
          | réf(?:érence)? | riferimento | rif | código | codice | kennung | kennziffer | n[.]o
          | n[uú]meros? | n[uú]m | numéros? | numer[oi]
          | номер(?:а|ом|у|е|ов)? | идентификатор(?:а|ы)? | ид
        )
        (?![^\W\d_]) [.]? [\u00ba\u00b0]?
      | [ _\-]{0,2} n[.]?[\u00ba\u00b0]                    # nº, n.º, n°
      | [ ]{0,2} (?:\u2116 | 番号 | 番號 | 号码 | 號碼 | 编号 | 編號 | 号 | 號 | 번호 | 아이디)
      | [ ]{0,2} (?:id|no)(?![a-z]) [.]?
    )
"""
_GLUED = re.compile(KEY, re.VERBOSE)
# "Number of the" before "order": numéro de commande, номер заказа, ID des Auftrags.
_KEY_BEFORE = re.compile(
    r"""
    (?<![^\W_])
    (?:
        number | no | nr | num | id | ref | n | numer[oi] | n[uú]meros? | n[uú]m | numéros? | nummer | kennung
      | ref(?:erence|erencia|erência) | réf(?:érence)? | rif(?:erimento)? | identifica(?:dor|tivo) | identifiant
      | номер(?:а|ом|у|е)? | идентификатор | \u2116 | digicert | certcentral | certificate | certificat | zertifikats?
    )
    [.]? [\u00ba\u00b0]?
    (?: [ ]{1,3} (?:of|the|your|my|our|de|du|do|da|la|el|votre|des|der|della|del|di|su|tu|seu|sua) ){0,3} [ ]{0,3}
    (?: (?:d|dell|l)['\u2019] )? [-]?
    \Z
    """,
    re.VERBOSE,
)
_LONGEST_BEFORE = 40


@dataclass(frozen=True, slots=True)
class OrderWord:
    """One word for "order" in a text. `is_labelled` is True if "number of the" or "DigiCert" is before it."""

    start: int
    end: int
    is_labelled: bool
    is_several: bool


def lowered(text: str) -> str:
    """Return the text in lower case, of the same length: a few characters have no single lower-case character."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(c if len(c.lower()) != 1 else c.lower() for c in text)


def order_words(text: str, low: str) -> Iterator[OrderWord]:
    """Yield each word for "order" in `text`, but no parts of other words. `low` is `lowered(text)`."""
    for found in _WORD.finditer(low):
        start, end = found.span()
        word = found[0]
        if _UNSPACED.match(word) or (_begins(text, low, start) and _ends(text, low, end)):
            before = low[max(0, start - _LONGEST_BEFORE) : start]
            if not before[:-1].endswith(_OTHERS) and not _OTHERS_BEHIND.match(low, end):
                yield OrderWord(start, end, _KEY_BEFORE.search(before) is not None, word in _SEVERAL)


def _begins(text: str, low: str, at: int) -> bool:
    """Return True at the start of a word, also in digicertOrderId and after Zertifikats-."""
    if not at or not low[at - 1].isalnum():
        return True
    return (text[at].isupper() and text[at - 1].islower()) or low[max(0, at - 12) : at].endswith(_COMPOUND)


def _ends(text: str, low: str, at: int) -> bool:
    """Return True if the word ends here, or "number" follows without a space."""
    if at == len(low) or not low[at].isalpha() or not low[at - 1].isalpha():
        return True
    return _GLUED.match(low, at) is not None
