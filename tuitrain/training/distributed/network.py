"""Which of this machine's addresses and interfaces leads to where the machines of a run meet.

The wrong interface is what most often keeps machines from finding one another.
"""

import os
import socket
from dataclasses import dataclass

import psutil

from tuitrain.errors import DeviceError

_ELSEWHERE = ("192.0.2.1", 9)
"""An address kept for documents (RFC 5737): asked for the way to it, nothing is sent."""


@dataclass(frozen=True, slots=True)
class Route:
    """How this machine is reached from where the others are."""

    address: str
    interface: str
    """Empty: none is known to have the address."""

    def __str__(self) -> str:
        return f"{self.address} on {self.interface}" if self.interface else self.address


def find_route(host: str, port: int) -> Route:
    """Return this machine's own end of the way to a host.

    Raises:
        DeviceError: the host has no address, or there is no way to it.
    """
    address = _own_address(host, port)
    if _is_loopback(address) and not _is_loopback(host):
        # Debian gives a machine's own name the address 127.0.1.1, which no other can reach.
        address = _outward() or address
    return Route(address, _interface_of(address))


def use_interface(route: Route) -> None:
    """Let gloo and NCCL meet the others over the same interface, where nobody has said another."""
    if route.interface:
        for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
            os.environ.setdefault(name, route.interface)


def is_own(host: str) -> bool:
    """Return whether a host, which has an address, is this machine."""
    for family, kind, _protocol, _name, where in socket.getaddrinfo(
        host, 0, type=socket.SOCK_DGRAM
    ):
        with socket.socket(family, kind) as probe:
            try:
                probe.bind(where)
            except OSError:
                continue
            return True
    return False


def _own_address(host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise DeviceError(
            f"--rendezvous {host}:{port}: no address is known here for {host}; "
            "give the address of node 0"
        ) from error
    family, kind, _protocol, _name, where = found[0]
    try:
        with socket.socket(family, kind) as probe:
            probe.connect(where)
            return str(probe.getsockname()[0])
    except OSError as error:
        raise DeviceError(
            f"--rendezvous {host}:{port}: no way leads from here to {where[0]} ({error.strerror})"
        ) from error


def _outward() -> str:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(_ELSEWHERE)
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def _is_loopback(host: str) -> bool:
    """Return whether a host, as it is written, stands for this machine alone."""
    return host in ("localhost", "::1") or host.startswith("127.")


def _interface_of(address: str) -> str:
    for name, addresses in psutil.net_if_addrs().items():
        if any(each.address.partition("%")[0] == address for each in addresses):
            return name
    return ""
