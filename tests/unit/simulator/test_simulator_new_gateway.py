"""A new gateway is one new file of the simulator: nothing else is touched."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import simulator

TOY = """
from simulator import checkout, merchants
from simulator.gateway import Answer, Door, Gateway, Key, Message


class Toy(Gateway):
    name, label, batch_prefix = "toy", "Toy Pay", "TOY"
    keys = (Key("shop", 6, "0123456789", secret=False), Key("secret", 8, "abcdef"))

    @property
    def doors(self):
        return (Door("POST", "/pay", "create", self._create),)

    def _create(self, db, call):
        merchant = merchants.find(db, "toy", call.body["shop"])
        told, back = call.body, "http://127.0.0.1:9/"
        asked = checkout.Asked(told["ref"], told["amount"], "toy", back, None)
        return Answer({"page": checkout.start(db, merchant, asked, now=call.now).token})

    def notice(self, merchant, order, payment):
        return Message("POST", merchant.notify_url, order.reference)

    def accepted(self, status, answer):
        return status == 200

    def back(self, merchant, order, payment):
        return order.return_url


GATEWAY = Toy()
"""
USE = """
import sys
from pathlib import Path
from simulator.accounts import Defaults
from simulator.app import create_app
from simulator.clock import Clock
from simulator.context import Running
from simulator.courier import Courier
from simulator.store import Store

store = Store(Path(sys.argv[1]), seed=1)
clock = Clock(store)
client = create_app(Running(store, clock, Courier(store, clock), Defaults())).test_client()
merchant = client.post("/gateways/toy/merchants", json={"fee_bps": 100}).get_json()
client.post("/toy/pay", json={"shop": merchant["merchant"], "ref": "T1", "amount": 50000})
paid = client.post("/gateways/toy/orders/T1/pay", json={"faults": ["twice"]}).get_json()
batch = client.get("/gateways/toy/settlement?format=json&date=" + paid["payments"][0]["at"][:10])
print(paid["state"], len(paid["calls"]), batch.get_json()["net"])
print("Toy Pay" in client.get("/?gateway=toy").text, "Toy Pay" in client.get(paid["page"]).text)
"""


def test_one_new_module_is_a_whole_gateway(tmp_path: Path) -> None:
    copy = tmp_path / "simulator"
    shutil.copytree(Path(simulator.__file__).parent, copy, ignore=shutil.ignore_patterns("*.pyc"))
    (copy / "toy.py").write_text(TOY)

    done = subprocess.run(
        [sys.executable, "-c", USE, str(tmp_path / "data")],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.stdout.split() == ["paid", "2", "49500", "True", "True"], done.stderr
