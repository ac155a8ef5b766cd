"""HTTP to processes of this machine, which never speak TLS."""

from __future__ import annotations

import ssl
from typing import Final

PLAIN: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For `verify=`. It trusts nobody. Without it httpx reads the system's certificates for every
single call, which takes many times as long as the call."""
