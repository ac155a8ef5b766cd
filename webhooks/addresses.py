"""Which addresses we may be made to call. Pure: names are resolved elsewhere.

A biller types an address, and our servers call it from inside the installation's network. So the
form is checked when it is typed, and every address its name resolves to at every attempt.
Sources: the IANA special-purpose address registries (RFC 6890), RFC 4291, 6052, 6598, 8215, 9637;
the metadata services of clouds that do not live in those ranges.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final
from urllib.parse import urlsplit

from payments.domain.errors import Invalid

Address = IPv4Address | IPv6Address

PORTS: Final = frozenset({443, 4443, 8443, 9443})
"""Where web servers listen; anything else is somebody's database or a guess."""

LONGEST: Final = 2_000

_REFUSED: Final[tuple[IPv4Network | IPv6Network, ...]] = tuple(
    ip_network(one)
    for one in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # behind a carrier's NAT; 100.100.100.200 is a cloud's metadata
        "127.0.0.0/8",  # this machine
        "169.254.0.0/16",  # link-local; 169.254.169.254 is metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; 192.0.0.192 is a cloud's metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT relays
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "168.63.129.16/32",  # a cloud's host agent, on a public address
        "2001::/23",  # Teredo, benchmarks, ORCHID and other assignments
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: carries any IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_UNICAST: Final = IPv6Network("2000::/3")
"""All that is routed. Outside: ::1, ::ffff:0:0/96 (IPv4 written as IPv6), 64:ff9b::/96 (NAT64),
fc00::/7 (private), fe80::/10 (link-local), ff00::/8 (multicast), and what is not assigned."""

_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})

_LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
# The last label begins with a letter: 127.1, 0x7f.1, 0177.0.0.1 and 2130706433 are no names.
_NAME: Final = re.compile(rf"({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?")
_INSIDE: Final = re.compile(
    r"(.*\.)?(localhost|local|internal|intranet|lan|home|corp|localdomain|arpa|onion|test|invalid)"
)
_PRINTED: Final = re.compile(r"[\x21-\x7e]+")


class BadAddress(Invalid):
    """This address is never called."""

    slug = "callback-address"
    title_vi = "Không gọi được địa chỉ này"
    title_en = "This address cannot be called"


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address. host: a name in lower case, or an IP without brackets."""

    url: str
    scheme: str
    host: str
    port: int


def checked(url: str, *, anywhere: bool = False) -> Target:
    """Take an address apart. Raises BadAddress that says what to correct.

    anywhere: on a laptop, also without TLS, by number, at any port and in any network.
    """
    if not _PRINTED.fullmatch(url) or len(url) > LONGEST or "\\" in url:
        raise _bad(
            f"chỉ gồm ký tự ASCII in được, tối đa {LONGEST}; tên miền có dấu viết dạng xn--",
            f"visible ASCII only, at most {LONGEST}; an international name is written as xn--",
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _bad("không đọc được", "it cannot be read") from None
    if parts.scheme != "https" and not (anywhere and parts.scheme == "http"):
        raise _bad("phải bắt đầu bằng https://", "it must begin with https://")
    if "@" in parts.netloc:
        raise _bad("không kèm tên và mật khẩu", "it must not carry a user name or password")
    if "#" in url:
        raise _bad("không kèm phần sau dấu #", "it must not carry a fragment (#)")
    port = port if port is not None else {"https": 443, "http": 80}[parts.scheme]
    if anywhere:
        if not host or not 1 <= port <= 65535:
            raise _bad("thiếu tên máy", "it names no machine")
        return Target(url, parts.scheme, host, port)
    _check_name(host)
    if port not in PORTS:
        known = ", ".join(str(one) for one in sorted(PORTS))
        raise _bad(f"cổng phải là một trong: {known}", f"the port must be one of: {known}")
    return Target(url, parts.scheme, host, port)


def read(text: str) -> Address:
    """An address as a resolver gives it; its zone is left off. Raises ValueError."""
    return ip_address(text.partition("%")[0])


def is_public(address: Address) -> bool:
    """Whether it leads out of every private network, in whatever form it is written."""
    if isinstance(address, IPv6Address) and (
        address not in _UNICAST or int(address) >> 32 & 0xFFFFFFFF in _ISATAP
    ):
        return False
    return not any(address in one for one in _REFUSED if one.version == address.version)


def _check_name(host: str) -> None:
    if not _NAME.fullmatch(host) or len(host) > 253:
        raise _bad(
            "phải là một tên miền, không phải địa chỉ IP",
            "it must be a domain name, not an IP address",
        )
    if _INSIDE.fullmatch(host):
        raise _bad("tên này chỉ có trong mạng nội bộ", "this name exists in private networks only")


def _bad(vi: str, en: str) -> BadAddress:
    return BadAddress(f"Địa chỉ nhận: {vi}.", f"The address: {en}.")
