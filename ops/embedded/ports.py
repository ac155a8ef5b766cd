"""A port on 127.0.0.1 that stays the same from start to start.

Picked below the range from which the kernel serves outgoing connections: inside it, a client that
keeps trying while its server is down is in the end given the server's own port, connects to
itself, and the server can never bind again.
"""

from __future__ import annotations

import errno
import secrets
import socket
from collections.abc import Collection
from pathlib import Path

from ops.embedded.errors import StartError

HOST = "127.0.0.1"
LOWEST = 15_000
TRIES = 200
KERNEL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def choose(kept: int | None, *, taken: Collection[int] = ()) -> int:
    """The kept port if it is still free, otherwise another; never one of `taken`."""
    if kept and kept not in taken and is_free(kept):
        return kept
    highest = _kernel_starts_at()
    for _ in range(TRIES if highest > LOWEST else 0):
        port = LOWEST + secrets.randbelow(highest - LOWEST)
        if port not in taken and is_free(port):
            return port
    return _any_free()


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        # As the servers do: connections of an earlier run that linger are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as refusal:
            if refusal.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise cannot_bind(port, refusal.strerror or "") from refusal
    return True


def cannot_bind(port: int, reason: str) -> StartError:
    """The StartError for a port that a server may not listen on."""
    return StartError(
        f"Không mở được cổng {port} trên {HOST} ({reason}): hãy kiểm tra giao diện mạng lo, hoặc "
        "dừng chương trình đang giữ cổng này rồi chạy lại",
        f"Cannot open port {port} on {HOST} ({reason}): check the network interface lo, or stop "
        "the program that holds this port and start again",
    )


def _kernel_starts_at() -> int:
    try:
        return int(KERNEL_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return LOWEST


def _any_free() -> int:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, 0))
        except OSError as refusal:
            raise cannot_bind(0, refusal.strerror or "") from refusal
        return int(probe.getsockname()[1])
