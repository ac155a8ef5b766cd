"""What the pages show on which two people decide: discrepancies and refunds.

DiscrepanciesPage      queue | one with its evidence | what may be done
RefundsPage RefundPage money on its way back

Many discrepancies decided at once are in bulk.py.

Amounts are int đồng, times aware datetimes, codes those of web/words.py (see web/pages.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from web.console.pages import NOBODY, Hand, QueueRow, Shell
from web.language import Both
from web.pages import ONE_PAGE, Choice, FieldError, Pager


@dataclass(frozen=True, slots=True)
class MemoPart:
    """A piece of the memo. mark: "", exact or near; letter: a-d, the row of the comparison."""

    text: str
    mark: str = ""
    letter: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One row of the comparison. sign: code, beneficiary, group, payer, amount, reference, time.

    verdict: match, near or differs; note: the same in words. line_parts, bill_parts: the two
    sides in pieces, the characters marked that differ; none where there is nothing to mark.
    """

    sign: str
    on_line: str
    on_bill: str
    verdict: str
    note: Both
    letter: str = ""
    line_parts: Sequence[MemoPart] = ()
    bill_parts: Sequence[MemoPart] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bill it may belong to, best first. agrees, near, differs: signs, see Evidence.

    number: the key to press. chosen is never set by us when two agree equally. share: what it gets
    where money is divided, typed: what stands in its field instead, if that is no amount.
    """

    id: str
    number: int
    beneficiary: str
    group: str
    amount: int
    code: str = ""
    title: str = ""
    agrees: Sequence[str] = ()
    near: Sequence[str] = ()
    differs: Sequence[str] = ()
    chosen: bool = False
    share: int = 0
    typed: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a journal: exactly one of debit and credit is above 0."""

    account: str
    name: Both | str
    debit: int = 0
    credit: int = 0


@dataclass(frozen=True, slots=True)
class Journal:
    """What will be booked, or was. effect: what becomes of the bill."""

    entries: Sequence[Entry]
    effect: Both | None = None
    reference: str = ""

    @property
    def debit(self) -> int:
        """The sum of the left side."""
        return sum(entry.debit for entry in self.entries)

    @property
    def credit(self) -> int:
        """The sum of the right side."""
        return sum(entry.credit for entry in self.entries)

    @property
    def balanced(self) -> bool:
        """Whether it may be proposed at all."""
        return self.debit == self.credit > 0


@dataclass(frozen=True, slots=True)
class StatementLine:
    """Where the money was seen. at: booking time, timed: whether the bank gave more than the day;
    file and line as in the bank's file."""

    file: str
    line: int
    at: datetime
    reference: str = ""
    account: str = ""
    timed: bool = True


@dataclass(frozen=True, slots=True)
class Done:
    """One thing that happened to it; what: a sentence, by: who."""

    at: datetime
    what: Both
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A credit of before that it has to do with. links: its bills, and its own discrepancy."""

    what: Both
    reference: str
    day: date
    amount: int
    links: Sequence[tuple[Both, str]] = ()


@dataclass(frozen=True, slots=True)
class DiscrepancyDetail:
    """One discrepancy, opened. status: open, assigned, proposed, approved, resolved …

    why: why it was not matched automatically. amount: money at risk; difference: signed đồng
    against the bill, 0 if none. candidates and ways may be empty; the search is offered beside
    them (GET search_url: find). payer, way, seen_at, reference: what the bank told of the money.
    may: what the reader may do now: propose, approve, watch; why_not says why not more.
    needs_second: whether a second person decides; below the limit the proposal is the decision.
    Forms: propose (POST propose_url: candidate, way, reason, to_name, to_bank, to_account),
    approve and refuse (POST: reason), take (POST take_url), give back (POST release_url), later
    (POST later_url), undo (POST undo_url: reason; makes a reversing journal), comment (POST
    comment_url: comment). preview_url: the same page for another choice. rule: how it was read.
    kept: the filters, which a search has to send along. divides: whether the money is divided
    between the bills that are ticked (part, amount-…, rest in the form); divide_url: begins that,
    whole_url: ends it; rests: where what is left may go; carried: fields a search sends along.
    meanwhile: what somebody else did while the reader was looking. earlier: what it takes back,
    or what had paid its bill before.
    """

    id: str
    kind: str
    status: str
    amount: int
    opened_at: datetime
    why: Both
    may: str
    difference: int = 0
    line: StatementLine | None = None
    payer: str = ""
    way: str = ""
    seen_at: datetime | None = None
    reference: str = ""
    memo: Sequence[MemoPart] = ()
    evidence: Sequence[Evidence] = ()
    candidates: Sequence[Candidate] = ()
    ways: Sequence[Choice] = ()
    reason: str = ""
    to_name: str = ""
    to_bank: str = ""
    to_account: str = ""
    journal: Journal | None = None
    needs_second: bool = True
    proposer: Hand = NOBODY
    approver: Hand = NOBODY
    refused: Both | str = ""
    why_not: Both | None = None
    history: Sequence[Done] = ()
    errors: Sequence[FieldError] = ()
    propose_url: str = ""
    approve_url: str = ""
    refuse_url: str = ""
    later_url: str = ""
    take_url: str = ""
    undo_url: str = ""
    search_url: str = ""
    find: str = ""
    preview_url: str = ""
    rule: Both | None = None
    meanwhile: Both | None = None
    release_url: str = ""
    comment_url: str = ""
    comment: str = ""
    kept: Sequence[tuple[str, str]] = ()
    earlier: Earlier | None = None
    divides: bool = False
    divide_url: str = ""
    whole_url: str = ""
    rests: Sequence[Choice] = ()
    carried: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class JustDone:
    """What the reader did on the page before, and where that can be taken back."""

    what: Both
    url: str


@dataclass(frozen=True, slots=True)
class DiscrepanciesPage:
    """The queue and one of its rows.

    kinds, states, owners, ages: the filters (GET kind, state, owner, age, day, says); filtered:
    whether one is on; clear_url takes them off. previous_url, next_url: the rows beside the one
    that is open. done: what was done on the page before. accept_url, approve_url: POST (dis, once
    for each row that was ticked; all), a preview of many at once; accept_count, approve_count:
    how many of the whole list fit.
    """

    template: ClassVar[str] = "console/discrepancies.html"

    shell: Shell
    queue: Sequence[QueueRow]
    queue_count: int
    queue_amount: int
    list_url: str
    kinds: Sequence[Choice] = ()
    states: Sequence[Choice] = ()
    owners: Sequence[Choice] = ()
    ages: Sequence[Choice] = ()
    day: str = ""
    says: str = ""
    filtered: bool = False
    clear_url: str = ""
    chosen: DiscrepancyDetail | None = None
    previous_url: str = ""
    next_url: str = ""
    done: JustDone | None = None
    accept_url: str = ""
    accept_count: int = 0
    approve_url: str = ""
    approve_count: int = 0
    pager: Pager = ONE_PAGE


@dataclass(frozen=True, slots=True)
class RefundRow:
    """One refund in the list. may_choose: it can be put into a payout file."""

    id: str
    url: str
    beneficiary: str
    amount: int
    status: str
    requested_at: datetime
    requested_by: str
    method: str = "bank_payout"
    may_choose: bool = False


@dataclass(frozen=True, slots=True)
class RefundsPage:
    """Refunds, those that wait for somebody first.

    payout_url: POST (refund, once for each that was chosen; account), where files may be made;
    accounts: of the biller's bank. payouts_url: the files made before.
    """

    template: ClassVar[str] = "console/refunds.html"

    shell: Shell
    rows: Sequence[RefundRow]
    waiting: int = 0
    waiting_amount: int = 0
    list_url: str = ""
    statuses: Sequence[Choice] = ()
    methods: Sequence[Choice] = ()
    filtered: bool = False
    clear_url: str = ""
    payout_url: str = ""
    accounts: Sequence[Choice] = ()
    payouts_url: str = ""
    errors: Sequence[FieldError] = ()
    pager: Pager = ONE_PAGE


@dataclass(frozen=True, slots=True)
class RefundPage:
    """One refund. to_*: the named account, number masked by the view.

    may: approve or watch, why_not says why. POST approve_url, POST refuse_url (reason).
    sent_url, failed_url, again_url, ask_url: POST, where that is the next step.
    gateway: the way it goes back, if it is not a bank transfer; reference, their_reference: our
    name and theirs for it. code, payout_url: its line in a payout file. failure, todo: why it
    did not go back, and what to do. came_back: the payee's bank returned it.
    """

    template: ClassVar[str] = "console/refund.html"

    shell: Shell
    id: str
    amount: int
    status: str
    reason: str
    beneficiary: str
    group: str
    method: str
    to_name: str
    to_account: str
    to_bank: str
    requester: Hand
    approver: Hand
    may: str
    why_not: Both | None = None
    paid_at: datetime | None = None
    payment_reference: str = ""
    journal: Journal | None = None
    history: Sequence[Done] = ()
    errors: Sequence[FieldError] = ()
    approve_url: str = ""
    refuse_url: str = ""
    sent_url: str = ""
    failed_url: str = ""
    again_url: str = ""
    ask_url: str = ""
    back_url: str = ""
    gateway: str = ""
    reference: str = ""
    their_reference: str = ""
    code: str = ""
    payout_url: str = ""
    failure: Both | None = None
    todo: Both | None = None
    came_back: date | None = None
