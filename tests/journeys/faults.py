"""The faults of a gateway's API that journeys ask for, and behind which it acted all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.town import FAULT_SECONDS


@dataclass(frozen=True)
class Faults:
    """By name; acted: the gateway did what it was asked for, and only its answer went wrong."""

    faults: Mapping[str, object]
    acted: tuple[str, ...]


BROKEN: Final = Faults(
    {
        "500": "500",
        "html": "html",
        "empty": "empty",
        "huge": "huge",
        "half JSON": "half_json",
        "slow": {"kind": "slow", "seconds": FAULT_SECONDS},
        "time-out after success": {"kind": "timeout", "seconds": FAULT_SECONDS},
        "cut after success": "cut",
    },
    acted=("half JSON", "slow", "time-out after success", "cut after success"),
)

HOURS: Final = 7
"""Until every gateway was asked three times about a refund."""
