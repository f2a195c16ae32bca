"""Links to a CertCentral order, as users copy them and mail filters rewrite them, and no other link."""

import pytest

from bot.parsing.commands import OpenForm, ResendNow, read_command
from bot.parsing.mentions import find_mentions
from bot.parsing.targets import DomainRef, OrderRef, read_target

ORDER = OrderRef(700001)
TYPED = [
    "https://www.digicert.com/secure/orders/700001",
    "https://www.digicert.com/secure/orders/700001/",
    "https://www.digicert.com/secure/orders/700001?tab=domains#top",
    "https://www.digicert.com/secure/orders/#700001",
    "https://www.digicert.com/secure/orders/#/700001",
    "https://www.digicert.com/secure/orders#700001",
    "https://www.digicert.com/secure/#/orders/700001",
    "https://www.digicert.com/secure/orders/details?order_id=700001",
    "https://certcentral.digicert.eu/secure/orders/700001/",
    "https://certcentral.digicert.eu/secure/orders/#700001",
    "https://certcentral.digicert.com/secure/orders/700001",
    "HTTPS://WWW.DigiCert.com/Secure/Orders/700001",
    "https://www.digicert.com:443/secure/orders/700001",
    "www.digicert.com/secure/orders/700001",
    "https://www.digicert.com/services/v2/order/certificate/700001",
    "https://www.digicert.com/secure%2Forders%2F700001",
    "https://www.digicert.com/secure%252Forders%252F00700001",
]
HASH = "https://www.digicert.com/secure/orders/*700001"
REWRITTEN = {
    "Safe Links": "https://eur03.safelinks.protection.outlook.com/?url=https%3A%2F%2Fwww.digicert.com%2Fsecure%2Forders%2F"
    "700001&data=05%7C01%7Cana%40example.com&reserved=0",
    "Safe Links, as Slack encodes them": "https://nam12.safelinks.protection.outlook.com/?url=https%3A%2F%2Fwww.digicert"
    ".com%2Fsecure%2Forders%2F%23700001&amp;data=05%7C01&amp;reserved=0",
    "Safe Links of Teams": "https://statics.teams.cdn.office.net/evergreen-assets/safelinks/1/atp-safelinks.html?url="
    "https%3A%2F%2Fwww.digicert.com%2Fsecure%2Forders%2F700001&locale=en",
    "urldefense 1": "https://urldefense.proofpoint.com/v1/url?u=https://www.digicert.com/secure/orders/700001&k=abc%3D",
    "urldefense 1, encoded": "https://urldefense.proofpoint.com/v1/url?u=https%3A%2F%2Fwww.digicert.com%2Fsecure%2Forders"
    "%2F700001&k=abc",
    "urldefense 2": "https://urldefense.proofpoint.com/v2/url?u=https-3A__www.digicert.com_secure_orders_700001&d=DwMFAg",
    "urldefense 2, with #": "https://urldefense.proofpoint.com/v2/url?u=https-3A__www.digicert.com_secure_orders_-23700001"
    "&d=DwMFAg",
    "urldefense 3": "https://urldefense.com/v3/__https://www.digicert.com/secure/orders/700001__;!!abc$",
    "urldefense 3, with #": f"https://urldefense.com/v3/__{HASH}__;Iw!!abc!def$",
    "urldefense 3, one slash": f"https://urldefense.us/v3/__{HASH.replace('//', '/', 1)}__;Iw!!abc$",
    "urldefense 3 in Safe Links": "https://eur03.safelinks.protection.outlook.com/?url=https%3A%2F%2Furldefense.com%2Fv3%2F"
    "__https%3A%2F%2Fwww.digicert.com%2Fsecure%2Forders%2F700001__%3B!!abc%24&data=1",
    "encoded twice": "https://eur03.safelinks.protection.outlook.com/?url=https%253A%252F%252Fwww.digicert.com%252Fsecure"
    "%252Forders%252F700001&data=1",
    "Barracuda": "https://linkprotect.cudasvc.com/url?a=https%3a%2f%2fwww.digicert.com%2fsecure%2forders%2f700001&c=E,1",
    "Cisco": "https://secure-web.cisco.com/1abc/https%3A%2F%2Fwww.digicert.com%2Fsecure%2Forders%2F700001",
    "Avanan": "https://url.avanan.click/v2/___https://www.digicert.com/secure/orders/700001___.YXAz",
    "Google": "https://www.google.com/url?q=https://www.digicert.com/secure/orders/700001&sa=D",
}
_HOST = "https://www.digicert.com/secure"
_NEWER = ("urldefense 1, encoded", "urldefense 2, with #", "urldefense 3", "Safe Links", "Barracuda", "Cisco", "Avanan")
NEWLY_READ = [
    *(
        f"{_HOST}/orders/#/700001",
        f"{_HOST}/orders/#700001",
        f"{_HOST}%2Forders%2F700001",
        f"{_HOST}%252Forders%252F00700001",
    ),
    "https://certcentral.digicert.eu/secure/orders/#700001",
    *(address for filter_, address in REWRITTEN.items() if filter_.startswith(_NEWER) or filter_ == "encoded twice"),
]
ALWAYS_READ = [address for address in (*TYPED, *REWRITTEN.values()) if address not in NEWLY_READ]
OTHERS = [
    "https://www.digicert.com/secure/requests/?status=pending#700001",
    "https://www.digicert.com/secure/certificates/700001",
    "https://www.digicert.com/secure/domains/700001/orders",
    "https://www.digicert.com/secure/orders/?account=700001",
    "https://www.digicert.com/secure/orders/new/700001",
    "https://www.digicert.com/secure/orders/700001abc",
    "https://www.digicert.com/#700001",
    "https://shop.example.com/secure/orders/700001",
    "https://www.digicert.com.example.net/secure/orders/700001",
    "https://notdigicert.com/secure/orders/700001",
    "https://example.net/www.digicert.com/secure/orders/700001",
    "https://www.digicert.com@example.net/secure/orders/700001",
    "https://grafana.example.net/alerting?matcher=order_id%3D700001&from=digicert.com",
    "https://eur03.safelinks.protection.outlook.com/?url=https%3A%2F%2Fshop.example.com%2Forders%2F700001&data=digicert",
    "https://evilgoogle.com/url?q=https://www.digicert.com/secure/orders/700001",
    f"https://urldefense.com/v3/__{HASH.replace('orders', 'requests')}__;Iw!!abc$",
]


def strong_orders(text):
    found = find_mentions({"text": text})
    return [each.target for each in found if each.is_explicit and isinstance(each.target, OrderRef)]


@pytest.mark.fault("K1")
@pytest.mark.parametrize("address", TYPED)
def test_a_typed_link_names_its_order(address):
    assert read_command(address) == OpenForm(ORDER)
    assert read_command(f"<{address}>") == OpenForm(ORDER)
    assert read_command(f"history <{address}|CertCentral>").about == ORDER


@pytest.mark.fault("K1")
def test_a_typed_link_may_have_recipients():
    line = "<https://www.digicert.com/secure/orders/700001> to <mailto:admin@shop.example.com|admin@shop.example.com>"

    assert read_command(line) == ResendNow(ORDER, ("admin@shop.example.com",))


@pytest.mark.fault("K8")
@pytest.mark.parametrize("address", NEWLY_READ, ids=range(len(NEWLY_READ)))
def test_a_link_in_a_message_names_its_order(address):
    assert strong_orders(f"Details: <{address}|More info>") == [ORDER]
    assert strong_orders(f"see {address} .") == [ORDER]


@pytest.mark.parametrize("address", ALWAYS_READ)
def test_a_plain_link_in_a_message_names_its_order(address):
    assert strong_orders(f"Details: <{address}|More info>") == [ORDER]
    assert strong_orders(f"see {address} .") == [ORDER]


@pytest.mark.fault("K8")
@pytest.mark.parametrize("address", REWRITTEN.values(), ids=REWRITTEN)
def test_a_typed_link_that_a_mail_filter_rewrote_names_its_order(address):
    assert read_command(f"<{address}>") == OpenForm(ORDER)


@pytest.mark.parametrize("address", OTHERS)
def test_a_link_to_anything_else_names_no_order(address):
    assert strong_orders(f"<{address}|More info>") == []
    assert strong_orders(f"see {address}, please") == []


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://shop.example.com/secure/orders/700001", "shop.example.com"),
        ("https://www.digicert.com/secure/certificates/700001", "www.digicert.com"),
    ],
)
def test_a_typed_link_to_anything_else_names_its_host(address, name):
    assert read_target(address) == DomainRef(name)
