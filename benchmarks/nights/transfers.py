"""One payer's transfer after another: what he does, what arrives, and what is true of it."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.nights import people, wrapping
from benchmarks.nights.lines import ANY, AUTO, PERSON, Book, Line, Truth
from benchmarks.nights.orders import Order
from benchmarks.nights.references import FORMS
from benchmarks.nights.spoiling import Left, Spoiled, Spoiling, cut_off, exactly, spoil

_WORDS = (
    "hoc phi", "nop tien hoc", "chuyen tien", "CHUYEN KHOAN", "vien phi", "thanh toan", "tt", "ck",
    "hoc phi ky 1", "thang 9", "nop hoc phi thang 09", "xin cam on", "le phi ho so", "kham benh",
)  # fmt: skip
_CHAT = (
    "chuyen tien",
    "hoc phi",
    "cam on",
    "CHUYEN KHOAN",
    "nop tien cho con",
    "ck nhe",
    "tien hoc thang 9",
)


@dataclass(slots=True)
class Payers:
    """Draws what the payers of a night do. partners: open orders without an act of their own."""

    book: Book
    orders: Sequence[Order]
    spoilings: Mapping[Spoiling, int]
    wrapped: float
    partners: list[Order] = field(default_factory=list)
    _refs: set[str] = field(default_factory=set)
    _of_payer: dict[str, list[Order]] = field(default_factory=lambda: defaultdict(list))
    _open_names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        for order in self.orders:
            self._refs.add(_squeezed(order.ref))
            self._of_payer[order.payer_code].append(order)
            if order.status == "OPEN":
                self._open_names[people.plain(order.payer_name).upper()].add(order.payer_code)

    @property
    def rng(self) -> random.Random:
        """The night's one source of chance."""
        return self.book.rng

    # What is written.

    def memo(self, order: Order, text: str, *, beside: str | None = None) -> tuple[str, str, bool]:
        """(memo, sender, whether it names another payer with an open order by chance)."""
        rng = self.rng
        sender = order.payer_name if rng.random() < 0.4 else people.name(rng)
        said, stranger = beside, False
        if said is None:
            draw = rng.random()
            said = rng.choice(_WORDS) if draw < 0.55 else ""
            if 0.55 <= draw < 0.68:
                said = people.plain(order.payer_name)
            elif 0.68 <= draw < 0.76:
                said = order.payer_code
            elif 0.76 <= draw < 0.84:
                said = f"{people.plain(sender)} chuyen tien"
                named = self._open_names.get(people.plain(sender).upper(), set())
                stranger = bool(named - {order.payer_code}) and sender != order.payer_name
        parts = [part for part in ((said, text) if rng.random() < 0.5 else (text, said)) if part]
        memo = rng.choice((" ", " ", " ", ".", " - ")).join(parts)
        return memo[:9_000], sender, stranger

    def send(
        self,
        order: Order,
        spoiled: Spoiled,
        amount: int,
        truth: Truth,
        scenario: str,
        *,
        at: tuple[int, int] | None = None,
        beside: str | None = None,
    ) -> Line:
        """A credit of this order's payer, wrapped by his bank."""
        memo, sender, stranger = self.memo(order, spoiled.text, beside=beside)
        if stranger and spoiled.how == "cut":
            truth = Truth(truth.decision, truth.code, truth.meant)
        elif stranger and scenario != "conflict":
            truth = Truth(PERSON, "REF_CONFLICT", truth.meant)
            scenario = "sender is a payer"
        wrapped = wrapping.wrap(self.rng, memo, sender)
        if self.rng.random() < self.wrapped and spoiled.left is Left.WHOLE:
            wrapped = wrapping.break_line(self.rng, wrapped, spoiled.text)
            if not order.form.tolerant:
                truth = Truth(ANY, None, truth.meant)
        day, second = at or self.book.moment()
        sender = people.plain(sender).upper()
        return self.book.add(
            Line(-1, day, second, amount, wrapped, sender, scenario, spoiled.how, truth, account=-1)
        )

    def _spoiled(self, order: Order) -> Spoiled:
        return spoil(self.rng, order, self.spoilings)

    # What payers do.

    def pays(self, order: Order) -> None:
        """The right amount once, however the reference arrives."""
        spoiled = self._spoiled(order)
        self.send(order, spoiled, order.amount, self.paid(order, spoiled, order.amount), "pays")

    def paid(self, order: Order, spoiled: Spoiled, amount: int, code: str = "") -> Truth:
        """The truth about an amount for an open order with this reference."""
        meant = {order.id: min(amount, order.amount)}
        if spoiled.how == "cut":
            return Truth(PERSON, "UNMATCHED", meant, first=(order.id,))
        if spoiled.left is Left.NOTHING:
            return Truth(ANY, None, meant)
        if spoiled.left is Left.WITH_AMOUNT and amount != order.amount:
            return Truth(PERSON, "UNMATCHED", meant, first=(order.id,))
        return Truth(AUTO, code, meant)

    def another_amount(self, order: Order) -> None:
        """Too little, too much, or short by what the bank kept."""
        rng, spoiled = self.rng, self._spoiled(order)
        less = rng.choice((-1_100, -3_300, -order.amount // 2, -1_000))
        off = (
            less
            if rng.random() < 0.6 and order.amount > 10_000
            else rng.choice((1_000, 50_000, order.amount))
        )
        amount = order.amount + off
        code = "UNDERPAID" if off < 0 else "OVERPAID"
        self.send(order, spoiled, amount, self.paid(order, spoiled, amount, code), "another amount")

    def instalments(self, order: Order) -> None:
        """Two or three parts that complete the bill; often alike but for the bank's number."""
        if not order.form.tolerant:
            return self.pays(order)
        parts = self.rng.choice((2, 2, 3))
        sizes = [order.amount // parts] * (parts - 1)
        sizes.append(order.amount - sum(sizes))
        at = self.book.moment()
        for size in sizes:
            truth = Truth(AUTO, "", {order.id: size})
            self.send(order, exactly(self.rng, order), size, truth, "instalments", at=at, beside="")
            at = self.book.moment(at)
        return None

    def twins(self, order: Order) -> None:
        """Two transfers alike in day, second, amount and memo: half and half of one bill."""
        if order.amount % 2 or not order.form.tolerant:
            return self.pays(order)
        at, half = self.book.moment(), order.amount // 2
        truth = Truth(AUTO, "", {order.id: half})
        line = self.send(order, exactly(self.rng, order), half, truth, "twins", at=at, beside="")
        self.book.add(
            Line(
                -1,
                line.day,
                line.second,
                half,
                line.memo,
                line.sender,
                "twins",
                "exact",
                truth,
                line.account,
            )
        )
        return None

    def pays_twice(self, order: Order) -> None:
        """The whole amount again, later."""
        if not order.form.tolerant:
            return self.pays(order)
        at = self.book.moment()
        paid = Truth(AUTO, "", {order.id: order.amount})
        self.send(order, exactly(self.rng, order), order.amount, paid,
                  "pays twice", at=at, beside="")  # fmt: skip
        truth = Truth(PERSON, "DUPLICATE_PAYMENT", {order.id: 0}, first=(order.id,))
        self.send(order, exactly(self.rng, order), order.amount, truth, "pays twice",
                  at=self.book.moment(at), beside="hoc phi")  # fmt: skip
        return None

    def pays_closed(self, order: Order) -> None:
        """An order that was paid or cancelled before."""
        code = "ORDER_CLOSED" if order.status == "CANCELLED" else "DUPLICATE_PAYMENT"
        spoiled = self._spoiled(order)
        truth = Truth(PERSON, code, {order.id: 0}, first=(order.id,))
        if spoiled.left is not Left.WHOLE or spoiled.how == "cut":
            truth = Truth(PERSON, None, {order.id: 0})
        self.send(order, spoiled, order.amount, truth, "closed", beside="")

    def several(self, order: Order) -> None:
        """Two or three bills in one transfer: the sum, or not quite."""
        others = [self.partners.pop() for _ in range(self.rng.choice((1, 1, 2))) if self.partners]
        every = [order, *(one for one in others if one.form.tolerant)]
        if not order.form.tolerant or len(every) < 2:
            return self.pays(order)
        texts = [spoil(self.rng, one, {exactly: 1}).text for one in every]
        total, meant = sum(one.amount for one in every), {one.id: one.amount for one in every}
        joined = self.rng.choice((" ", " va ", ", ", "+", " ; ")).join(texts)
        if exact := self.rng.random() < 0.75 or total <= 50_000:
            truth = Truth(AUTO, "", meant)
        else:
            total -= self.rng.choice((1_000, 50_000, 10_000))
            truth = Truth(PERSON, "SPLIT_MISMATCH", meant, first=tuple(meant))
        name = "several" if exact else "several, short"
        self.send(order, Spoiled("exact", joined, Left.WHOLE), total, truth, name, beside="")
        return None

    def names_payer(self, order: Order) -> None:
        """Only the payer's code or name, no reference."""
        who = order.payer_code if self.rng.random() < 0.5 else people.plain(order.payer_name)
        same = tuple(one.id for one in self._of_payer[order.payer_code])
        truth = Truth(
            PERSON,
            "UNMATCHED",
            dict.fromkeys(same, 0) | {order.id: order.amount},
            first=(order.id,),
        )
        self.send(
            order,
            Spoiled("payer", who, Left.NOTHING),
            order.amount,
            truth,
            "names payer",
            beside="hoc phi",
        )

    def pays_for_family(self, order: Order) -> None:
        """All of a payer's open bills in one sum, with his code alone."""
        mine = [one for one in self._of_payer[order.payer_code] if one.status == "OPEN"]
        if len(mine) < 2:
            return self.names_payer(order)
        total = sum(one.amount for one in mine)
        first = tuple(one.id for one in mine)
        truth = Truth(PERSON, "UNMATCHED", {one.id: one.amount for one in mine}, first=first)
        spoiled = Spoiled("payer", order.payer_code, Left.NOTHING)
        self.send(order, spoiled, total, truth, "family", beside="hoc phi")
        return None

    def says_nothing(self, order: Order) -> None:
        """A blank memo, or words that any payer writes."""
        text = self.rng.choice(("", *_CHAT))
        truth = Truth(PERSON, "UNMATCHED", {order.id: order.amount})
        self.send(
            order,
            Spoiled("nothing", text, Left.NOTHING),
            order.amount,
            truth,
            "says nothing",
            beside="",
        )

    def is_cut(self, order: Order) -> None:
        """The reference breaks off, and what the bank puts behind it goes on in digits."""
        spoiled = cut_off(self.rng, order)
        if order.form.varied:
            return self.pays(order)
        missing = len(order.ref) - len(spoiled.text)
        day = f"{self.rng.randint(10, 14)}0926"
        # A number of just the missing length would be a wrap of another reference: who could tell?
        behind = self.rng.choice(
            ("-{d}-13:36:44 123456", " {d}", ".{d}", " {n}{d}", ".{n}481", " FT{n}253123456789")
        )
        near = self.rng.choice(self.orders).ref[-missing:]
        text = spoiled.text + behind.format(d=day, n=near)
        truth = Truth(PERSON, None, {order.id: order.amount})
        self.send(
            order,
            Spoiled("cut, digits behind", text, Left.NOTHING),
            order.amount,
            truth,
            "is cut",
            beside="",
        )
        return None

    def quotes_neighbour(self, order: Order) -> None:
        """Somebody else's reference, with the payer's own number or name beside it."""
        other = self.rng.choice(self.orders)
        same = people.plain(other.payer_name) == people.plain(order.payer_name)
        if (
            other.payer_code == order.payer_code
            or same
            or not other.form.tolerant
            or other.status != "OPEN"
        ):
            return self.pays(order)
        own = order.payer_code if self.rng.random() < 0.5 else people.plain(order.payer_name)
        mine = tuple(one.id for one in self._of_payer[order.payer_code])
        truth = Truth(
            PERSON, "REF_CONFLICT", dict.fromkeys(mine, 0) | {order.id: order.amount}, first=mine
        )
        spoiled = Spoiled("exact", other.ref, Left.WHOLE)
        amount = order.amount if self.rng.random() < 0.5 else other.amount
        self.send(order, spoiled, amount, truth, "conflict", beside=own)
        return None

    def quotes_nobody(self, order: Order) -> None:
        """A reference that no order has, of a form that orders have."""
        ref = self._strange(order)
        if not ref:
            return self.pays(order)
        code = "UNKNOWN_REF" if order.form.tolerant else None
        truth = Truth(PERSON, code, {})
        self.send(
            order,
            Spoiled("unknown", ref, Left.NOTHING),
            order.amount,
            truth,
            "quotes nobody",
            beside="hoc phi",
        )
        return None

    def _strange(self, order: Order) -> str:
        for _ in range(200):
            if order.form.ours:
                ref = FORMS[order.form.name].make(self.rng, 1)[0]
            else:
                keep = max(4, len(order.ref) // 2)
                tail = list(order.ref[keep:])
                kinds = ("".join(filter(str.isdigit, tail)), "".join(filter(str.isalpha, tail)))
                alike = "".join(
                    self.rng.choice("0123456789" if c in kinds[0] else kinds[1])
                    if c.isalnum()
                    else c
                    for c in tail
                )
                ref = order.ref[:keep] + alike
            if _squeezed(ref) not in self._refs:
                return ref
        return ""

    def stands_in_a_number(self, order: Order) -> None:
        """Another order's whole reference is the front of a longer number that means nothing."""
        other = self.rng.choice(self.orders)
        if not other.form.dense or other.form.varied or not other.ref[-1].isdigit():
            return self.pays(order)
        text = f"{other.ref}{wrapping.digits(self.rng, 3)}"
        truth = Truth(PERSON, None, {order.id: order.amount})
        self.send(
            order,
            Spoiled("in a number", text, Left.NOTHING),
            order.amount,
            truth,
            "in a number",
            beside="",
        )
        return None

    def writes_oddly(self, order: Order) -> None:
        """Ten thousand characters, control characters, marks that turn the writing round."""
        if not order.form.tolerant:
            return self.pays(order)
        odd = self.rng.choice(("\u202e", "\u200f\u200b", "\x07", "\t", "x " * 4500))
        text = f"{odd} {order.ref} {odd}" if len(odd) < 9 else f"{order.ref} {odd}"
        truth = Truth(AUTO, "", {order.id: order.amount})
        self.send(
            order,
            Spoiled("odd", text, Left.WHOLE),
            order.amount,
            truth,
            "odd characters",
            beside="",
        )
        return None

    def is_taken_back(self, order: Order) -> None:
        """A payment, and days later the bank takes it back by its own number."""
        if not order.form.tolerant:
            return self.pays(order)
        at = self.book.moment()
        truth = Truth(AUTO, "", {order.id: order.amount})
        line = self.send(
            order, exactly(self.rng, order), order.amount, truth, "taken back", at=at, beside=""
        )
        day, second = self.book.moment(at)
        memo = self.rng.choice(
            ("HOAN TRA GD {ref}", "DIEU CHINH GD {ref}", "REV {ref}", "HUY GIAO DICH {ref}")
        )
        back = Truth(PERSON, "REVERSAL", {order.id: 0}, related=str(line.key))
        self.book.add(
            Line(-1, day, second, -line.amount, memo.format(ref=line.bank_ref), "", "taken back",
                 "bank", back, line.account, takes_back=line.key)
        )  # fmt: skip
        return None


Act = Callable[[Payers, Order], None]

STANDARD: Mapping[Act, int] = {
    Payers.pays: 880, Payers.another_amount: 25, Payers.instalments: 10, Payers.twins: 4,
    Payers.pays_twice: 6, Payers.several: 12, Payers.names_payer: 14, Payers.pays_for_family: 4,
    Payers.says_nothing: 10, Payers.is_cut: 6, Payers.quotes_neighbour: 7,
    Payers.quotes_nobody: 7, Payers.stands_in_a_number: 3, Payers.writes_oddly: 2,
    Payers.is_taken_back: 5,
}  # fmt: skip
HIGH: Mapping[Act, int] = {
    act: 350 if share == 880 else share * 5 for act, share in STANDARD.items()
}


def _squeezed(ref: str) -> str:
    return "".join(char for char in ref if char.isalnum()).upper()
