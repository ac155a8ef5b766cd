"""What the journeys of gateways stand on: one town for all of them, and a school in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests import promise
from tests.databases import a_clone
from tests.servers import Addresses
from tests.shops import Shop, a_shop
from tests.town import Town, a_town


@pytest.fixture(scope="session")
def town(addresses: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town with its web, its gateways and its bank, until the end of the run."""
    with a_clone(addresses) as house, a_town(house, tmp_path_factory.mktemp("town")) as made:
        yield made


@pytest.fixture(scope="module")
def shop_at(town: Town) -> Iterator[Callable[..., Shop]]:
    """The school that takes money by these gateways, the same one for all journeys of a module.

    When the last of them is over, the gateways settle, the bank sends its statement, and nothing
    may be unexplained, nor left for a person.
    """
    opened: dict[tuple[str, ...], Shop] = {}
    with ExitStack() as stack:

        def shop_of(*gateways: str) -> Shop:
            if gateways not in opened:
                opened[gateways] = stack.enter_context(a_shop(town, *gateways))
            return opened[gateways]

        yield shop_of
        for shop in opened.values():
            promise.night(shop)
            promise.must_hold(shop)
