"""Which addresses may be sent to from here: none by which a stranger could reach what only this machine can.

A name is resolved once, and what is sent goes to the very address that was looked at: a name that resolves
otherwise a moment later changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from seal.errors import InputError, reason_of


@dataclass(frozen=True)
class PinnedAddress:
    """An address to send to: the `url` with a number in the place of the name, the `host` as it was named."""

    url: str
    host: str
    port: int

    @property
    def host_header(self) -> str:
        return self.host if self.port in (80, 443) else f"{self.host}:{self.port}"


def pinned(url: str, *, private: bool = False) -> PinnedAddress:
    """The address that a URL leads to; takes a look-up. Raises InputError if it is none, or not to be sent
    to.

    `private`: those of this machine and its networks too, and without TLS.
    """
    advice = "Give an https:// address that can be reached from everywhere."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise InputError(f"{url!r} is no address: {error}", advice) from error
    if parts.scheme not in (("https", "http") if private else ("https",)) or not host:
        raise InputError(f"{url!r} is no address that may be sent to", advice)
    if parts.username or parts.password:
        raise InputError("a name or a password in the address would be stored", "Leave it out of the URL.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise InputError(f"{host} cannot be found: {reason_of(error)}", advice) from error
    numbers = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    if not private and not all(map(_is_public, numbers)):
        raise InputError(f"{host} leads to an address that is not public", advice)
    number = numbers[0]
    shown = f"[{number}]" if number.version == 6 else str(number)
    return PinnedAddress(
        urlunsplit((parts.scheme, f"{shown}:{port}", parts.path or "/", parts.query, "")), host, port
    )


def _is_public(number: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    inner = getattr(number, "ipv4_mapped", None) or getattr(number, "sixtofour", None)
    if inner is not None:
        return _is_public(inner)
    if number in _NAT64:  # an IPv4 address in the guise of an IPv6 one
        return _is_public(ipaddress.IPv4Address(int(number) & 0xFFFF_FFFF))
    return number.is_global and not number.is_multicast


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
