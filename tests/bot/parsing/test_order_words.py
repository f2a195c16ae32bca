"""The word for an order, in the languages of DigiCert's emails, in messages and as people type it."""

import pytest

from bot.parsing.commands import OpenForm, read_command
from bot.parsing.mentions import find_mentions
from bot.parsing.targets import OrderRef

ORDER = OrderRef(700001)
WORDS = {
    "German": [
        "Auftrags-Nr. 700001 wartet auf die Domänenvalidierung",
        "Auftragsnummer: 700001",
        "Auftragsnr. 700001",
        "Auftrags-ID 700001",
        "Auftrag Nr. 700001",
        "Auftrag #700001",
        "Der Auftrag mit der Nummer 700001",
        "die Nummer des Auftrags lautet 700001",
        "Auftr.-Nr. 700001",
        "Zertifikatsauftrag 700001",
        "DigiCert-Bestellung Nr. 700001",
        "Bestellnummer 700001",
        "Bestell-Nr.: 700001",
        "Best.-Nr. 700001",
        "Ordernummer 700001",
    ],
    "Spanish": [
        "número de pedido: 700001",
        "Nº de pedido 700001",
        "Núm. pedido 700001",
        "El pedido n.º 700001 está pendiente",
        "ID del pedido: 700001",
        "Número de orden: 700001",
        "orden 700001",
        "pedido Nro. 700001",
    ],
    "French": [
        "numéro de commande : 700001",
        "N° de commande 700001",
        "La commande n° 700001 est en attente",
        "commande nº700001",
        "Réf. commande : 700001",
        "référence de la commande 700001",
        "cde 700001",
        "Cmde n° 700001",
    ],
    "Italian": [
        "numero dell'ordine 700001",
        "Numero d'ordine: 700001",
        "N. ordine 700001",
        "L'ordine n. 700001 è in attesa",
        "ID ordine 700001",
    ],
    "Japanese": [
        "オーダー番号 700001 は保留中です",
        "オーダーID: 700001",
        "オーダー No.700001",
        "注文番号\uff1a700001",
        "注文番号は700001です",
        "ご注文番号 700001",
        "注文 700001 は保留中",
    ],
    "Korean": [
        "주문 번호: 700001",
        "주문번호 700001",
        "주문 번호는 700001입니다",
        "주문 700001이 보류 중",
        "주문 ID 700001",
    ],
    "Portuguese": [
        "número do pedido: 700001",
        "Nº do pedido 700001",
        "ID da encomenda: 700001",
        "encomenda 700001",
        "ordem 700001",
    ],
    "Russian": [
        "Номер заказа — 700001",
        "заказ № 700001",
        "Заказ №700001 ожидает",
        "№ заказа 700001",
        "по заказу 700001",
        "ID заказа 700001",
    ],
    "Chinese": [
        "订单号\uff1a700001",
        "订单编号: 700001",
        "订单 700001 待处理",
        "您的订单号是700001",
        "訂單號碼\uff1a700001",
        "訂單編號 700001",
        "訂單號碼為 700001",
    ],
}
TEXTS = [pytest.param(text, id=f"{language}: {text}") for language, texts in WORDS.items() for text in texts]


@pytest.mark.fault("K11")
@pytest.mark.parametrize("text", TEXTS)
def test_an_order_is_named_in_every_language(text):
    found = [mention for mention in find_mentions({"text": text}) if mention.is_explicit]

    assert [mention.target for mention in found] == [ORDER]


@pytest.mark.fault("K11")
@pytest.mark.parametrize("text", TEXTS)
def test_a_command_names_an_order_in_every_language(text):
    assert read_command(text) == OpenForm(ORDER)


@pytest.mark.parametrize(
    "text",
    [
        "Auftragsvolumen 700001",
        "Bestellwert: 700001",
        "commander 700001",
        "ordinaire 700001",
        "ordenador 700001",
        "orden de compra 700001",
        "pedido de compra 700001",
        "заказчик 700001",
        "Auftrag 4711",
        "commande 4711 fois",
        "purchase order no. 700001",
    ],
)
def test_other_words_and_other_orders_name_none(text):
    assert find_mentions({"text": text}) == ()
