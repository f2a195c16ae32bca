"""The local DNS on the page: its state, and the actions of a person who publishes records by hand."""

from collections.abc import Awaitable, Callable, Iterator

from sandbox.dns import LocalDns, ServerFault
from sandbox.dns.local_dns import OWN_ZONE
from sandbox.json_types import Json
from sandbox.web.personas import Persona
from sandbox.web.slack_state import make_part
from sandbox.web.state_diff import StatePart

TYPES = ("TXT", "CNAME", "MX", "CAA", "A")
_LONGEST = 1000


def read_dns_state(dns: LocalDns) -> Iterator[StatePart]:
    """Yield the records, the name servers with their faults, and the zones with broken DNSSEC, as one part."""
    records = [
        {"name": name, "type": rtype, "value": value}
        for zone in dns.zones.values()
        # The addresses of the name servers themselves are nothing to play with.
        if zone.name != OWN_ZONE
        for (name, rtype), values in sorted(zone.records.items())
        if rtype in TYPES
        for value in values
    ]
    yield make_part(
        "dns",
        {
            "records": records,
            "servers": [{"name": server.name, "fault": server.fault.value} for server in dns.servers],
            "zones": [{"name": name, "broken": name in dns.broken} for name in dns.zones],
            "faults": [fault.value for fault in ServerFault],
            "types": list(TYPES),
        },
    )


class DnsActions:
    """The actions by name. Each raises ValueError with a sentence if it is not possible."""

    def __init__(self, dns: LocalDns) -> None:
        self._dns = dns
        self.by_name: dict[str, Callable[[Persona, Json], Awaitable[Json]]] = {
            "publish_record": self.publish,
            "remove_record": self.remove,
            "fail_server": self.fail,
            "break_dnssec": self.break_dnssec,
        }

    async def publish(self, _: Persona, body: Json) -> Json:
        """Publish a record on all name servers. The text of a TXT record gets its quotes."""
        name, rtype = str(body["name"]).strip().lower().removesuffix("."), str(body["type"])
        value = str(body["value"]).strip()
        if not name or not value or len(value) > _LONGEST or rtype not in TYPES:
            raise ValueError("Fill in name and value.")
        if rtype == "TXT" and not value.startswith('"'):
            value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        try:
            self._dns.publish(name, rtype, value)
        except Exception as error:
            # dnspython has many kinds of errors for what a person can type.
            raise ValueError(f"That record can't be published: {error}") from error
        return {}

    async def remove(self, _: Persona, body: Json) -> Json:
        """Remove one record."""
        self._dns.remove(str(body["name"]), str(body["type"]), str(body["value"]))
        return {}

    async def fail(self, _: Persona, body: Json) -> Json:
        """Let a name server fail in one way, or work again."""
        number = next(number for number, each in enumerate(self._dns.servers, 1) if each.name == body["server"])
        self._dns.fail(number, ServerFault(str(body["fault"])))
        return {}

    async def break_dnssec(self, _: Persona, body: Json) -> Json:
        """Make the signatures of a zone wrong, or right again."""
        self._dns.break_dnssec(str(body["zone"]), broken=bool(body["broken"]))
        return {}
