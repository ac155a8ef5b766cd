"""No address that a biller types or a name resolves to leads into a private network."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks import addresses
from webhooks.addresses import BadAddress

GOOD = "https://erp.hoasen.example.vn/thuphi?x=1"


@pytest.mark.parametrize(
    "url",
    [
        "http://erp.hoasen.example.vn/",
        "ftp://erp.hoasen.example.vn/",
        "//erp.hoasen.example.vn/",
        "https:///x",
        "https://",
        "",
        "https://user@erp.hoasen.example.vn/",
        "https://user:pass@erp.hoasen.example.vn/",
        "https://erp.hoasen.example.vn@127.0.0.1/",
        "https://127.0.0.1\\@erp.hoasen.example.vn/",
        "https://erp.hoasen.example.vn/#part",
        "https://erp.hoasen.example.vn/ x",
        "https://erp.hoasen.example.vn/\n",
        "https://erp.hoasen.example.vn:22/",
        "https://erp.hoasen.example.vn:5432/",
        "https://erp.hoasen.example.vn:0/",
        "https://erp.hoasen.example.vn:99999/",
        "https://erp.hoasen.example.vn:x/",
        "https://trường.example.vn/",
        "https://erp.hoasen.example.vn./",
        "https://-erp.example.vn/",
        "https://erp_x.example.vn/",
        "https://" + "a." * 200 + "vn/",
        "https://erp.hoasen.example.vn/" + "x" * 2_000,
        # Names that exist in private networks only.
        "https://localhost/",
        "https://db/",
        "https://a.localhost/",
        "https://printer.local/",
        "https://vault.internal/",
        "https://router.lan/",
        # This machine, in every spelling.
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://017700000001/",
        "https://127.0.0.0x1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[0:0:0:0:0:ffff:7f00:1]/",
        "https://[fe80::1%25eth0]/",
        "https://①②⑦.0.0.1/",
        # A public number, too: certificates are for names.
        "https://93.184.216.34/",
    ],
)
def test_an_address_in_any_other_form_is_refused(url: str) -> None:
    with pytest.raises(BadAddress) as refused:
        addresses.checked(url)

    assert refused.value.vi
    assert refused.value.en


def test_a_refusal_repeats_nothing_of_what_was_typed() -> None:
    with pytest.raises(BadAddress) as refused:
        addresses.checked("https://user:hunter2@erp.hoasen.example.vn/")

    assert "hunter2" not in refused.value.en + refused.value.vi


def test_a_good_address_is_taken_apart() -> None:
    target = addresses.checked(GOOD)
    other = addresses.checked("https://ERP.hoasen.example.vn:8443/x")

    assert (target.scheme, target.host, target.port) == ("https", "erp.hoasen.example.vn", 443)
    assert (other.host, other.port) == ("erp.hoasen.example.vn", 8443)
    assert addresses.checked("https://xn--trng-z60a.example.vn/").port == 443


def test_a_laptop_may_call_itself() -> None:
    assert addresses.checked("http://127.0.0.1:8123/x", anywhere=True).port == 8123
    assert addresses.checked("http://localhost/x", anywhere=True).port == 80
    for url in ("ftp://127.0.0.1/", "http://u:p@127.0.0.1/", "http://", "http://a:0/"):
        with pytest.raises(BadAddress):
            addresses.checked(url, anywhere=True)


PRIVATE = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1
    127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1
    192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1
    239.255.255.255 240.0.0.1 255.255.255.255 168.63.129.16
    :: ::1 ::127.0.0.1 ::ffff:10.0.0.1 ::ffff:93.184.216.34 64:ff9b::a00:1 64:ff9b::5db8:d822
    64:ff9b:1::1 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:10::1 2001:20::1
    2001:db8::1 2002:a00:1::1 2002:5db8:d822::1 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254
    fe80::1 fe80::1%eth0 fec0::1 ff02::1 2606:2800:220:1:0:5efe:a00:1 2606:2800:220:1:200:5efe:a00:1
""".split()  # noqa: SIM905  # a table of words
PUBLIC = """
    1.1.1.1 8.8.8.8 93.184.216.34 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.1 192.0.1.1
    198.17.255.255 198.20.0.0 223.255.255.255 168.63.129.17
    2606:2800:220:1:248:1893:25c8:1946 2001:4860:4860::8888 2400:cb00::1 2a00:1450::1
""".split()  # noqa: SIM905  # a table of words


@pytest.mark.parametrize("text", PRIVATE)
def test_what_does_not_lead_out_is_not_public(text: str) -> None:
    assert not addresses.is_public(addresses.read(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_routed_everywhere_is_public(text: str) -> None:
    assert addresses.is_public(addresses.read(text))


@given(st.ip_addresses(v=4))
def test_nothing_is_public_that_python_calls_private(address: IPv4Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert not addresses.is_public(address)


@given(st.ip_addresses(v=6))
def test_no_ipv6_form_of_an_ipv4_address_is_public(address: IPv6Address) -> None:
    carried = address.ipv4_mapped or address.sixtofour or address.teredo

    if carried is not None or not address.is_global or address.is_multicast:
        assert not addresses.is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_refused_however_ipv6_carries_it(address: IPv4Address) -> None:
    number = int(address)
    carriers = [
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(number),
        IPv6Address(0x64_FF9B << 96 | number),
        IPv6Address(0x2002 << 112 | number << 80),
    ]

    assert not any(addresses.is_public(one) for one in carriers)
