"""IPv4 addresses carried inside IPv6 ones: what a packet to the outer address may reach in the end."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final

_MAPPED: Final = IPv6Network("::ffff:0:0/96")  # RFC 4291, 2.5.5.2
_LOW_32: Final = (
    _MAPPED,
    IPv6Network("::/96"),  # IPv4-compatible, RFC 4291, 2.5.5.1
    IPv6Network("::ffff:0:0:0/96"),  # IPv4-translated, RFC 2765
    IPv6Network("64:ff9b::/96"),  # NAT64, RFC 6052
)
_LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")  # RFC 8215
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")  # RFC 3056
_TEREDO: Final = IPv6Network("2001::/32")  # RFC 4380: the server, and the client's address inverted
_ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE, 0x0100_5EFE, 0x0300_5EFE)  # RFC 5214, with the u and g bits


def mapped(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a connection to a mapped one really goes to."""
    return IPv4Address(int(address) & 0xFFFFFFFF) if isinstance(address, IPv6Address) and address in _MAPPED else None


def layers(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address, then every IPv4 address that may be meant by it."""
    if isinstance(address, IPv4Address):
        return [address]
    return [address, *(IPv4Address(inner & 0xFFFFFFFF) for inner in _inside(address))]


def _inside(address: IPv6Address) -> list[int]:
    bits = int(address)
    if address in _TEREDO:
        return [bits >> 64, ~bits]
    if address in _SIX_TO_FOUR:
        return [bits >> 80]
    if address in _LOCAL_NAT64:
        return _nat64(bits)
    # :: and ::1 are addresses of their own, although they look like IPv4-compatible ones.
    if any(address in network for network in _LOW_32):
        return [bits] if bits > 1 else []
    return [bits] if (bits >> 32) & 0xFFFFFFFF in _ISATAP else []


def _nat64(bits: int) -> list[int]:
    """RFC 6052, 2.2: where the address stands depends on the length of the prefix, and the bits behind it are zero."""
    found = [bits] if bits & 0xFFFFFFFF else []
    if not bits & 0xFFFFFF:
        found.append(bits >> 24)  # prefix of 64 bits, after eight bits that are zero
    if not bits & 0xFFFFFFFF:
        found.append(_joined(bits >> 64, 8, bits >> 32, 24))
    if not bits & 0xFFFFFFFFFF:
        found.append(_joined(bits >> 64, 16, bits >> 40, 16))
    return found


def _joined(high: int, high_bits: int, low: int, low_bits: int) -> int:
    return (high & ((1 << high_bits) - 1)) << low_bits | low & ((1 << low_bits) - 1)
