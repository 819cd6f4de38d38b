"""The address guard: what may be called of what people type."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.address import AddressPolicy, check, fits, parse
from connector.domain.errors import Refused
from connector.domain.special_addresses import NEVER, SPECIAL

POLICY = AddressPolicy()
PUBLIC = ["93.184.216.34", "2606:2800:220:1::1"]
NAME = "https://partner.example/hook"


def refused(url: str, resolved: list[str] | None = None, policy: AddressPolicy = POLICY) -> str:
    with pytest.raises(Refused) as caught:
        check(url, PUBLIC if resolved is None else resolved, policy)
    return caught.value.reason


@pytest.mark.parametrize(("url", "host", "port", "path"), [
    (NAME, "partner.example", 443, "/hook"),
    ("HTTPS://Partner.Example", "partner.example", 443, "/"),
    ("https://partner.example:8443/a%20b?x=1&y=%2F", "partner.example", 8443, "/a%20b?x=1&y=%2F"),
    ("https://partner.example?x=1", "partner.example", 443, "/?x=1"),
    ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "/"),
])
def test_an_ordinary_address_may_be_called(url: str, host: str, port: int, path: str) -> None:
    target = check(url, PUBLIC, POLICY)
    assert (target.scheme, target.host, target.port, target.path) == ("https", host, port, path)
    assert target.addresses == tuple(PUBLIC)


@pytest.mark.parametrize("url", [
    "", "partner.example", "//partner.example/", "ftp://partner.example/", "file:///etc/passwd", "https:///hook",
    "https:partner.example", "https://", "javascript:alert(1)", "gopher://partner.example:443/",
    "https://user@partner.example/", "https://user:pw@partner.example/", "https://partner.example:443@evil.example/",
    "https://@partner.example/", "https://partner.example\\@evil.example/", "https:\\\\partner.example\\",
    "https://partner.example/#x", "https://partner.example/#", " https://partner.example/", "https://partner.example/ ",
    "https://part\tner.example/", "https://partner.example/\r\nHost: x", "https://partner.example/\x00",
    "https://partner.example\u3002evil.example/", "https://\uff11\uff12\uff17.0.0.1/", "https://b\u00fccher.example/",
    "https://partner.example/\u00e9", "https://partner.example/%zz", "https://partner.example/{id}",
])
def test_an_odd_address_is_refused(url: str) -> None:
    assert refused(url)


@pytest.mark.parametrize("host", [
    "partner.example.", "localhost", "a.localhost", "LOCALHOST", "localhost.", "partner", "partner..example",
    ".partner.example",
    "-a.example", "a-.example", "part_ner.example", "a" * 64 + ".example", ".".join(["abcdefg"] * 40),
    "%31%32%37.0.0.1",
    "xn--.example", "xn--a-.example", "ab--c.example", "2130706433", "0x7f000001", "017700000001", "127.1", "127.0.1",
    "0177.0.0.1", "0x7f.0.0.1",
    "127.0.0.1.", "08.8.8.8", "256.1.1.1", "1.2.3.4.5", "a.1", "a.0x1", "0x", "[::1", "::1", "[fe80::1%25eth0]",
    "[::1%lo]",
    "[v1.fe80::]", "[1.2.3.4]", "[]", "[:::]", "[12345::]",
])
def test_an_odd_host_is_refused_whatever_it_resolves_to(host: str) -> None:
    assert refused(f"https://{host}/")


@pytest.mark.parametrize("port", ["0", "80", "22", "65536", "99999", "0443", "+443", "-1", "443x", "",
    "\u0664\u0664\u0663", "443:443"])
def test_only_listed_ports_are_called(port: str) -> None:
    assert refused(f"https://partner.example:{port}/")


def test_a_deployment_lists_its_own_ports() -> None:
    own = AddressPolicy(ports=(9443,))
    assert check("https://partner.example:9443/", PUBLIC, own).port == 9443
    assert "9443" in refused(NAME, policy=own)


def test_plain_http_only_where_allowed() -> None:
    assert "https" in refused("http://partner.example/")
    assert check("http://partner.example/", PUBLIC, AddressPolicy(allow_http=True)).port == 80
    assert refused("https://partner.example:80/", policy=AddressPolicy(allow_http=True))
    assert refused("http://partner.example/", policy=AddressPolicy(allow_http=True, ports=(8443,)))


def test_an_address_longer_than_allowed_is_refused() -> None:
    start = "https://partner.example/"
    assert check(start + "a" * (2048 - len(start)), PUBLIC, POLICY)
    assert refused(start + "a" * (2049 - len(start)))


def test_a_reason_never_shows_the_path() -> None:
    assert "s3cret" not in refused("https://partner.example:1/s3cret?token=s3cret")


@pytest.mark.parametrize("network", [*NEVER, *SPECIAL], ids=str)
def test_every_special_range_is_refused_at_both_ends(network: object) -> None:
    net = ip_network(str(network))
    for address in (net[0], net[-1]):
        assert refused(NAME, [str(address)])


@pytest.mark.parametrize("address", [
    "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
    "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255", "2001:200::", "2003::", "2606:4700::1111", "2c0f:ffff::1",
])
def test_just_outside_a_special_range_is_public(address: str) -> None:
    assert check(NAME, [address], POLICY).addresses == (address,)


@pytest.mark.parametrize("address", [
    "::7f00:1", "::ffff:127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b:1::127.0.0.1",
    "64:ff9b:1:7f00:0:100::",
    "64:ff9b:1::8.8.8.8", "2002:7f00:1::", "2002:808:808::1", "2001:0:7f00:1::", "2001:0:808:808::80ff:fffe",
    "2606:2800::5efe:127.0.0.1", "2606:2800::200:5efe:10.0.0.1",
    "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "4000::1", "1::1", "fe80::1%eth0", "2606:2800::1%1", "fec0::1", "::",
])
def test_wrapped_and_unallocated_ipv6_is_refused(address: str) -> None:
    assert refused(NAME, [address])


@pytest.mark.parametrize("given", ["", "partner.example", "0177.0.0.1", "127.1", "2130706433", "1.2.3.4/32", None,
    2130706433, b"\x7f\x00\x00\x01"])
def test_what_is_no_address_is_refused(given: object) -> None:
    with pytest.raises(Refused):
        check(NAME, [given], POLICY)


def test_addresses_may_be_objects() -> None:
    assert check(NAME, [IPv4Address("93.184.216.34")], POLICY).addresses == ("93.184.216.34",)


def test_one_bad_address_refuses_all() -> None:
    for place in range(3):
        some = ["93.184.216.34", "8.8.8.8"]
        some.insert(place, "10.0.0.1")
        assert "10.0.0.1" in refused(NAME, some)


def test_a_host_without_an_address_is_refused() -> None:
    assert refused(NAME, [])
    assert refused("https://8.8.8.8/", [])


def test_an_address_in_the_url_is_judged_itself_whatever_it_resolves_to() -> None:
    assert check("https://8.8.8.8/", ["8.8.8.8"], POLICY).addresses == ("8.8.8.8",)
    assert check("https://[2606:4700::1111]/", ["2606:4700::1111"], POLICY).host == "2606:4700::1111"
    for host in ("127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "[::ffff:7f00:1]"):
        assert refused(f"https://{host}/", PUBLIC)


@pytest.mark.parametrize(("pattern", "host", "good"), [
    ("partner.example", "Partner.Example", True), ("*.partner.example", "a.partner.example", True),
    ("*.Partner.Example", "a.partner.example", True), ("*.partner.example", "partner.example", False),
    ("*.partner.example", "a.b.partner.example", False),
    ("*.partner.example", "a.partner.example.evil.example", False), ("*.partner.example", "apartner.example", False),
    ("a*.example", "ab.example", False),
])
def test_a_star_fits_one_label(pattern: str, host: str, good: bool) -> None:
    assert fits(host, pattern) is good
    policy = AddressPolicy(allow_hosts=(pattern,))
    if good:
        assert check(f"https://{host}/", PUBLIC, policy)
    else:
        assert refused(f"https://{host}/", policy=policy)


def test_a_listed_host_is_no_way_to_a_private_address() -> None:
    assert refused(NAME, ["10.0.0.1"], AddressPolicy(allow_hosts=("partner.example",)))


def test_a_listed_network_is_allowed() -> None:
    inside = AddressPolicy(allow_cidrs=("10.1.0.0/16", "fd12::/16"))
    for address in ("10.1.2.3", "fd12::1", "::ffff:10.1.2.3"):
        assert check(NAME, [address], inside)
    for address in ("10.2.0.1", "fd13::1", "::ffff:10.2.0.1", "64:ff9b::10.1.2.3", "2002:a01:203::"):
        assert refused(NAME, [address], inside)
    assert refused(NAME, ["10.1.2.3", "10.2.0.1"], inside)


def test_a_network_with_ipv6_only_lists_its_nat64() -> None:
    policy = AddressPolicy(allow_cidrs=("64:ff9b::/96",))
    assert check(NAME, ["64:ff9b::8.8.8.8"], policy)
    assert refused(NAME, ["64:ff9b::10.0.0.1"], policy)


@pytest.mark.parametrize("address", [
    "127.0.0.1", "127.9.9.9", "::1", "169.254.169.254", "169.254.0.1", "fe80::1", "::ffff:127.0.0.1",
    "::ffff:169.254.169.254", "::127.0.0.1",
    "64:ff9b::127.0.0.1", "64:ff9b:1::169.254.169.254", "2002:7f00:1::", "2002:a9fe:a9fe::", "0.0.0.0", "::",
    "::ffff:0.0.0.0", "224.0.0.1", "ff02::1",
    "255.255.255.255", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "2606:2800::5efe:127.0.0.1",
])
def test_no_list_opens_this_machine_or_its_link(address: str) -> None:
    everything = AddressPolicy(allow_http=True, allow_hosts=("*.example",), allow_cidrs=("0.0.0.0/0", "::/0",
        "127.0.0.0/8", "::ffff:0:0/96"))
    assert "never" in refused(NAME, [address], everything)


def test_a_policy_with_a_bad_network_or_port_is_not_made() -> None:
    for bad in ({"allow_cidrs": ("10.0.0.0/33",)}, {"allow_cidrs": ("partner",)}, {"ports": (0,)}, {"ports": (65536,)}):
        with pytest.raises(ValueError):
            AddressPolicy(**bad)  # type: ignore[arg-type]


def test_lists_may_be_given_as_lists() -> None:
    assert AddressPolicy(ports=[443]) == AddressPolicy(ports=(443,))  # type: ignore[arg-type]


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.one_of(st.text(max_size=60), st.text("https:/.[]@%#?\\0123456789abx-",
    max_size=40).map(lambda text: "https://" + text)))
def test_nothing_but_a_refusal_comes_out(url: str) -> None:
    try:
        target = parse(url, POLICY)
    except Refused:
        return
    assert target.port in POLICY.ports
    assert target.path.startswith("/")


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["::ffff:{}", "64:ff9b::{}", "::{}", "::ffff:0:{}",
    "2606:2800::5efe:{}", "64:ff9b:1::{}"]))
def test_wrapping_never_makes_an_address_better(number: int, form: str) -> None:
    plain = IPv4Address(number)
    everything = AddressPolicy(allow_cidrs=("::/0",))
    try:
        check(NAME, [str(plain)], everything)
    except Refused:
        assert refused(NAME, [form.format(plain)], everything)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[fd00::1]",
                                  "[::ffff:127.0.0.1]"])
def test_an_address_written_in_the_url_is_judged_before_anything_is_resolved(host: str) -> None:
    with pytest.raises(Refused, match=r"never called|not public"):
        parse(f"https://{host}/hook", AddressPolicy())
    assert parse("https://93.184.216.34/hook", AddressPolicy()).host == "93.184.216.34"
    assert parse("https://10.0.0.1/", AddressPolicy(allow_cidrs=("10.0.0.0/8",))).host == "10.0.0.1"
