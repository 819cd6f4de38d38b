"""Address ranges that are not a public server. An own list: the flags of `ipaddress` differ by version of Python.

Sources (read 2026): IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and successors), multicast (RFC
5771, RFC 4291), and the cloud providers' documentation of their metadata addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

Table = Mapping[IPv4Network | IPv6Network, str]


def _table(text: Mapping[str, str]) -> Table:
    return {ip_network(net): why for net, why in text.items()}


NEVER: Final = _table({
    "127.0.0.0/8": "loopback",
    "::1/128": "loopback",
    "169.254.0.0/16": "link-local",
    "fe80::/10": "link-local",
    # Linux connects to itself when asked for these.
    "0.0.0.0/8": "this network",
    "::/128": "unspecified",
    "224.0.0.0/4": "multicast",
    "ff00::/8": "multicast",
    "255.255.255.255/32": "broadcast",
    "100.100.100.200/32": "metadata (Alibaba Cloud)",
    "168.63.129.16/32": "metadata (Azure)",
    "192.0.0.192/32": "metadata (Oracle Cloud)",
    "fd00:ec2::/32": "metadata (Amazon)",
    "fd20:ce::254/128": "metadata (Google)",
})
"""No setting opens these."""

SPECIAL: Final = _table({
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "carrier-grade NAT",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "IETF protocol assignments",
    "192.0.2.0/24": "documentation",
    "192.31.196.0/24": "AS112",
    "192.52.193.0/24": "automatic multicast tunneling",
    "192.88.99.0/24": "6to4 relay",
    "192.168.0.0/16": "private",
    "192.175.48.0/24": "AS112",
    "198.18.0.0/15": "benchmarking",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "240.0.0.0/4": "reserved",
    "::ffff:0:0/96": "IPv4-mapped",
    "64:ff9b::/96": "NAT64",
    "64:ff9b:1::/48": "local NAT64",
    "100::/64": "discard-only",
    "100:0:0:1::/64": "dummy prefix",
    "2001::/32": "Teredo",
    "2001::/23": "IETF protocol assignments",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",
    "2620:4f:8000::/48": "AS112",
    "3ffe::/16": "former 6bone",
    "3fff::/20": "documentation",
    "5f00::/16": "segment routing",
    "fc00::/7": "private",
    "fec0::/10": "site-local",
})

UNICAST: Final = IPv6Network("2000::/3")
"""All IPv6 addresses handed out so far as global unicast."""


def special(address: IPv4Address | IPv6Address, table: Table | None = None) -> str:
    """What kind of special address it is; "" when it is in none of the ranges."""
    for tables in (NEVER, SPECIAL) if table is None else (table,):
        for network, why in tables.items():
            if network.version == address.version and address in network:
                return why
    return ""
