"""May this deployment call an address that a person typed? Decided from the address and what its name resolves to.

Whoever connects must connect to one of the addresses judged here: a name can resolve to another one a moment later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from connector.domain.errors import Refused
from connector.domain.special_addresses import NEVER, UNICAST, special
from connector.domain.wrapped_addresses import layers, mapped

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
# Own grammar: urlsplit drops tabs and line breaks, and accepts much that another reader understands differently.
_VISIBLE: Final = re.compile(r"[!-~]+")
_FORBIDDEN: Final = re.compile(r'[\\"<>^`{|}]|%(?![0-9A-Fa-f]{2})')
_URL: Final = re.compile(r"(https?)://([^/?]+)((?:[/?].*)?)", re.IGNORECASE)
_NETLOC: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::([1-9][0-9]{0,4}))?")
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What one deployment allows.

    `allow_http` allows plain http, at port 80 wherever 443 is allowed. `ports` are all that may be called.
    `allow_hosts`, if any, are the only hosts that may be called, whatever their addresses; `*` stands for one label.
    `allow_cidrs` are networks that may be called although they are not public; loopback, link-local, multicast,
    unspecified and cloud metadata addresses never may. `max_url` is in characters. Raises ValueError for a network
    or port that is none.
    """

    allow_http: bool = False
    ports: tuple[int, ...] = (443, 8443)
    allow_hosts: tuple[str, ...] = ()
    allow_cidrs: tuple[str, ...] = ()
    max_url: int = 2048

    def __post_init__(self) -> None:
        for name in ("ports", "allow_hosts", "allow_cidrs"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for port in self.ports:
            if not 1 <= port <= 65535:
                raise ValueError(f"{port} is not a port")
        self.networks()

    def networks(self) -> list[Network]:
        return [ip_network(cidr, strict=False) for cidr in self.allow_cidrs]


@dataclass(frozen=True, slots=True)
class Target:
    """An address that may be called, and the only IP addresses to connect to for it. `path` begins with a slash."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[str, ...] = ()


def check(url: str, resolved: Iterable[Any], policy: AddressPolicy) -> Target:
    """The target of a URL whose host resolves to `resolved` (all its addresses). Raises Refused, and nothing else.

    One address that may not be called refuses the URL, however many others may.
    """
    target = parse(url, policy)
    literal = _literal(target.host)
    given = [_address(one) for one in resolved or ()]
    if not given:
        raise Refused(f"{target.host} has no address")
    for address in given:
        _judge(target.host, address, policy)
    final = [literal] if literal is not None else list(dict.fromkeys(given))
    return Target(target.scheme, target.host, target.port, target.path, tuple(str(address) for address in final))


def parse(url: str, policy: AddressPolicy) -> Target:
    """What can be told from the URL alone, before its host is resolved: also of an IP address written in it. Raises
    Refused, and nothing else.

    The URL itself is never shown: it may hold what somebody should not see.
    """
    if not isinstance(url, str) or not url:
        raise Refused("a web address is expected")
    if len(url) > policy.max_url:
        raise Refused(f"the address is longer than {policy.max_url} characters")
    if not _VISIBLE.fullmatch(url):
        raise Refused("only visible ASCII characters are allowed; write other hosts in their xn-- form")
    if "#" in url or _FORBIDDEN.search(url):
        raise Refused("no fragment, backslash, quote, bracket or broken percent sign is allowed in the address")
    parts = _URL.fullmatch(url)
    if not parts:
        raise Refused("expected an address such as https://partner.example/hook")
    scheme, where, path = parts[1].lower(), parts[2], parts[3]
    if scheme == "http" and not policy.allow_http:
        raise Refused("https is required")
    host, port = _place(where, scheme, policy)
    literal = _literal(host)
    if literal is not None:
        _judge(host, literal, policy)
    return Target(scheme, host, port, path if path.startswith("/") else f"/{path}")


def _place(where: str, scheme: str, policy: AddressPolicy) -> tuple[str, int]:
    if "@" in where:
        raise Refused("no login is allowed in the address")
    parts = _NETLOC.fullmatch(where)
    if not parts:
        raise Refused("the host or port cannot be understood")
    port = int(parts[2]) if parts[2] else _DEFAULT_PORTS[scheme]
    plain = scheme == "http" and port == 80 and 443 in policy.ports
    if port > 65535 or not (port in policy.ports or plain):
        raise Refused(f"port {port} is not allowed, only {', '.join(str(one) for one in policy.ports)}")
    host = parts[1].lower()
    _check_host(host, policy)
    return host.strip("[]"), port


def _check_host(host: str, policy: AddressPolicy) -> None:
    if policy.allow_hosts and not any(fits(host.strip("[]"), pattern) for pattern in policy.allow_hosts):
        raise Refused(f"{host} is not among the hosts this deployment may call")
    if host.startswith("["):
        if "." in host.split(":")[0] or _literal(host[1:-1]) is None:
            raise Refused("the host in brackets is not an IPv6 address")
        return
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1] or (labels[-2] if len(labels) > 1 else "")):
        # What ends in a number is an IPv4 address to a browser and to inet_aton, in octal, hex, or with parts missing.
        if _literal(host) is None:
            raise Refused("an IPv4 address is written as four decimal numbers")
        return
    if len(host) > 253 or not all(_LABEL.fullmatch(label) and _decodes(label) for label in labels):
        raise Refused("the host is not a plain name (letters, digits and hyphens between dots, none at the end)")
    if labels[-1] == "localhost":
        raise Refused("this machine itself is never called")
    if len(labels) == 1 and not policy.allow_hosts:
        raise Refused("the host needs a full name, with a domain")


def _decodes(label: str) -> bool:
    """Whether a label with hyphens in third and fourth place is real punycode (RFC 5890, 2.3.1)."""
    if label[2:4] != "--":
        return True
    try:
        return label.startswith("xn--") and not label[4:].encode().decode("punycode").isascii()
    except ValueError:
        return False


def fits(host: str, pattern: str) -> bool:
    """Whether a host is what a pattern says: label by label, `*` standing for exactly one. Case does not matter."""
    given, wanted = host.lower().split("."), pattern.lower().split(".")
    return len(given) == len(wanted) and all(w in ("*", g) for g, w in zip(given, wanted, strict=True))


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _address(given: Any) -> Address:
    try:
        address = ip_address(str(given))
    except ValueError:
        raise Refused("the host resolves to something that is not an IP address") from None
    if getattr(address, "scope_id", None):
        raise Refused("the host resolves to an address with a zone")
    return address


def _judge(host: str, address: Address, policy: AddressPolicy) -> None:
    why = _wrong(address, policy)
    if why:
        raise Refused(f"{host} has the address {address}: {why}" if host != str(address) else f"{host}: {why}")


def _wrong(address: Address, policy: AddressPolicy) -> str:
    """Why an address may not be called; "" when it may. What it carries inside is judged as well."""
    within = layers(address)
    for layer in within:
        why = special(layer, NEVER)
        if why:
            return f"{why}, never called"
    allowed = policy.networks()
    if within[1:] and mapped(address) is not None and _in(within[1], allowed):
        return ""
    for layer in within:
        why = special(layer) or ("" if layer.version == 4 or layer in UNICAST else "not global unicast")
        if why and not _in(layer, allowed):
            return f"{why}, not public"
    return ""


def _in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)
