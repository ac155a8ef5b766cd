"""Turns one discrepancy, as it was read, into what the page shows. No I/O.

detail(case, Look(...)) -> DiscrepancyDetail
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from payments.domain import ids
from payments.domain.money import Money
from payments.domain.people import Actor, Permission
from reconciliation import previews
from reconciliation.causes import CODES
from reconciliation.dividing import DIVIDE
from reconciliation.queries import suggested
from reconciliation.queries.case import Case, Event
from reconciliation.queries.choices import Choice
from reconciliation.remedies import Proposal
from web.console import dividing, figures, originals, proof
from web.console.answers import HOME, with_query
from web.console.asking import Asked
from web.console.decisions import (
    Candidate,
    DiscrepancyDetail,
    Done,
    Journal,
    StatementLine,
)
from web.console.pages import NOBODY, Hand
from web.language import Both
from web.pages import Choice as Option
from web.pages import FieldError
from web.words import word

_MOST_CANDIDATES: Final = 9  # one number key each
_OVER: Final = ("resolved", "auto_resolved")
_SPLIT: Final = "SPLIT_MISMATCH"

WAYS: Final = {
    "apply": Both("Ghi vào giấy báo đã chọn", "Apply it to the chosen bill"),
    "divide": Both("Chia cho nhiều giấy báo", "Divide it between several bills"),
    "keep": Both("Giữ làm số dư cho người đã chọn", "Keep it as credit of the chosen person"),
    "refund": Both("Hoàn lại cho người nộp", "Give it back to the payer"),
    "refund_credit": Both(
        "Hoàn lại phần trả trùng cho người nộp", "Give the second payment back to the payer"
    ),
    "take_back": Both("Khoản đã chọn bị lấy lại", "The chosen payment was taken back"),
    "not_paid": Both("Cổng không có khoản này: gỡ khoản đã ghi", "The gateway never had it: undo"),
    "gateway_fee": Both("Phí cổng thanh toán", "A fee of the gateway"),
    "bank_charge": Both("Phí ngân hàng", "A bank charge"),
    "interest": Both("Lãi tiền gửi", "Interest"),
    "other_income": Both("Thu khác", "Other income"),
    "other_expense": Both("Chi khác", "Other expense"),
    "no_money": Both("Không cần bút toán", "Nothing has to be booked"),
}
_EVENTS: Final = {
    "commented": Both("Ghi chú", "Comment"),
    "opened": Both("Mở chênh lệch", "Opened"),
    "assigned": Both("Nhận xử lý", "Taken"),
    "released": Both("Trả lại hàng đợi", "Put back into the queue"),
    "proposed": Both("Gửi đề nghị", "Proposed"),
    "approved": Both("Duyệt", "Approved"),
    "refused": Both("Từ chối đề nghị", "Proposal refused"),
    "resolved": Both("Xử lý xong, đã ghi sổ", "Resolved and booked"),
    "auto_resolved": Both("Tự khớp lại", "Cleared by itself"),
    "reopened": Both("Mở lại bằng bút toán đảo", "Opened again by a reversing journal"),
    "undone": Both("Gỡ một khoản đã khớp", "A match was taken apart"),
    "changed": Both(
        "Số chênh lệch đã đổi, cần đề nghị lại", "The difference changed: propose anew"
    ),
}
_CLEARED: Final = {
    "applied": Both("tiền đã được ghi hết vào giấy báo", "the money was applied"),
    "line_arrived": Both("dòng sao kê đã về", "the statement line arrived"),
    "paid_in_full": Both("đã nộp đủ phần còn thiếu", "the rest was paid"),
    "batch_whole": Both("lô đã về đủ", "the batch is paid in full"),
    "batch_undone": Both("dòng tiền đã được gỡ khỏi lô", "its line was taken off the batch"),
    "batch_arrived": Both("tiền của lô đã về", "money of the batch arrived"),
    "batch_known": Both("đã biết lô của khoản này", "the batch it pays is known now"),
    "row_arrived": Both("đã có trong báo cáo của cổng", "the gateway's report shows it"),
    "credit_spent": Both("số dư đã được dùng hoặc hoàn lại", "the credit was used or given back"),
    "taken_back": Both("ngân hàng đã lấy lại khoản này", "the bank took this payment back"),
    "refund_approved": Both("lệnh hoàn đã được duyệt lại", "its refund was approved again"),
    "gateway_answered": Both("cổng đã trả lời", "the gateway answered"),
    "refund_known": Both("đã biết lệnh hoàn của dòng này", "the refund it shows is known now"),
}


@dataclass(frozen=True, slots=True)
class Look:
    """Who looks, and at what beside the case. query: the filters, kept in every link."""

    reader: Actor
    asked: Asked = field(default_factory=Asked)
    find: str = ""
    found: Sequence[Choice] = ()
    errors: Sequence[FieldError] = ()
    query: Sequence[tuple[str, str]] = ()
    meanwhile: Both | None = None
    comment: str = ""


def url_of(discrepancy: str, query: Sequence[tuple[str, str]] = (), act: str = "") -> str:
    """The address of one discrepancy, or of something to be done about it."""
    return with_query(f"{HOME}/discrepancies/{discrepancy}{act}", **dict(query))


def detail(case: Case, look: Look) -> DiscrepancyDetail:
    """The opened discrepancy: evidence, candidates, what may be done and by whom."""
    shown = ids.shown("dis", case.id)
    may, why_not = _may(case, look.reader)
    every = {one.target: one for one in (*look.found, *case.candidates)}
    known = {one.target: one for one in case.candidates}  # with their evidence
    choices = [known.get(target, one) for target, one in every.items()][:_MOST_CANDIDATES]
    asked = _asked(case, look.asked, choices)
    divides = asked.way == DIVIDE
    if divides:
        choices = dividing.listed(case.candidates, look.found, asked.shares)
    division = dividing.shown(asked.shares, choices, case.at_stake)
    chosen = next((one for one in choices if one.target == asked.candidate), None)
    evidence = _evidence(case, chosen, known)

    def link(act: str, *, when: bool) -> str:
        return url_of(shown, look.query, act) if when else ""

    can = look.reader.may(Permission.RESOLVE)
    return DiscrepancyDetail(
        id=shown,
        kind=case.kind,
        status=case.status,
        amount=case.amount,
        opened_at=case.opened_at,
        why=_why(case),
        may=may,
        difference=_difference(case, chosen),
        line=_line(case),
        payer=_payer(case),
        way=case.way,
        rule=_rule(case, chosen),
        meanwhile=look.meanwhile,
        seen_at=case.payment.received_at if case.payment else None,
        reference=(case.payment.bank_reference or "") if case.payment else case.told_as,
        memo=proof.marked(case.memo, evidence),
        evidence=proof.compared(evidence),
        candidates=tuple(
            dividing.ticked(_candidate(one, number), asked.shares, division)
            if divides
            else _candidate(one, number, chosen=one is chosen)
            for number, one in enumerate(choices, 1)
        ),
        ways=_ways(case, asked.way),
        reason=asked.reason or case.reason,
        to_name=asked.to_name,
        to_bank=asked.to_bank,
        to_account=asked.to_account,
        journal=dividing.journal(division, choices)
        if divides and not case.booked
        else _journal(case, asked.way, chosen),
        needs_second=case.needs_second,
        proposer=_proposer(case, look.reader, may),
        approver=_approver(case, look.reader, may),
        why_not=why_not,
        refused=_refused(case),
        history=tuple(_done(one) for one in case.history),
        errors=look.errors,
        propose_url=link("/propose", when=may == "propose"),
        approve_url=link("/approve", when=may == "approve"),
        refuse_url=link("/refuse", when=may == "approve"),
        later_url=link("/later", when=may == "propose"),
        take_url=link("/take", when=can and _can_be_taken(case, look.reader)),
        release_url=link("/release", when=can and _is_theirs(case, look.reader)),
        undo_url=link("/undo", when=can and case.status == "resolved"),
        comment_url=link("/comment", when=can),
        comment=look.comment,
        search_url=url_of(shown) if may == "propose" and "apply" in case.ways else "",
        find=look.find,
        kept=look.query,
        earlier=originals.earlier(case),
        preview_url=link("", when=may == "propose"),
        divides=divides,
        divide_url=with_query(url_of(shown), **dict(look.query), way=DIVIDE)
        if may == "propose" and DIVIDE in case.ways
        else "",
        whole_url=link("", when=may == "propose" and divides),
        rests=dividing.rests(division, choices),
        carried=dividing.carried(asked.shares, division) if divides else (),
    )


def _may(case: Case, reader: Actor) -> tuple[str, Both | None]:
    """What the reader may do now, and why not more."""
    if case.status in _OVER:
        return "watch", None
    if case.status in ("proposed", "approved"):
        return _may_approve(case, reader)
    if not reader.may(Permission.RESOLVE):
        return "watch", Both(
            "Vai trò của bạn chỉ được xem chênh lệch.", "Your role may only look at discrepancies."
        )
    if case.owner_id not in (None, reader.id):
        return "watch", Both(f"Đang do {case.owner} xử lý.", f"{case.owner} is working on it.")
    return "propose", None


def _may_approve(case: Case, reader: Actor) -> tuple[str, Both | None]:
    if case.proposer_id == reader.id:
        return "watch", Both(
            "Bạn là người đề nghị nên cần một người khác duyệt.",
            "You made the proposal, so somebody else has to approve it.",
        )
    if not reader.may(Permission.APPROVE):
        return "watch", Both(
            "Chờ người có quyền duyệt, thường là kế toán trưởng.",
            "Waits for somebody who may approve, usually the chief accountant.",
        )
    return "approve", None


def _can_be_taken(case: Case, reader: Actor) -> bool:
    return case.status in ("open", "assigned") and case.owner_id != reader.id


def _is_theirs(case: Case, reader: Actor) -> bool:
    return case.status == "assigned" and case.owner_id == reader.id


def _asked(case: Case, asked: Asked, choices: Sequence[Choice]) -> Asked:
    """What the form begins with: as asked, as proposed, or the one choice that is likely."""
    if case.proposal is not None:
        return _proposed(case.proposal)
    candidate = asked.candidate
    if not candidate and (len(choices) == 1 or suggested.is_named(case)):
        # Of several, none is chosen by us, but for the one credit that a reversal names.
        candidate = case.candidates[0].target if case.candidates else choices[0].target
    chosen = next((one for one in choices if one.target == candidate), None)
    way = asked.way if asked.way in case.ways else ""
    if not way and case.ways:
        way = _likely(case, chosen)
    return replace(asked, way=way, candidate=candidate)


def _proposed(it: Proposal) -> Asked:
    to = (it.to_name, it.to_bank, it.to_account)
    return Asked(it.way, it.target, it.reason, *to, dividing.proposed(it.parts, it.target))


def _ways(case: Case, chosen: str) -> tuple[Option, ...]:
    """The ways to choose from; once it is over, the one that was taken."""
    if case.resolution in WAYS and case.status in _OVER:
        return (Option(case.resolution, WAYS[case.resolution], chosen=True),)
    # Dividing is a form of its own: see divide_url.
    ways = [way for way in case.ways if way != DIVIDE or chosen == DIVIDE]
    return tuple(Option(way, WAYS[way], way == chosen) for way in ways)


def _likely(case: Case, chosen: Choice | None) -> str:
    if "keep" in case.ways and chosen is not None and not chosen.owed:
        return "keep"  # the bill is paid already
    if "take_back" in case.ways and case.kind == "REVERSAL":
        return "take_back"
    if "other_income" in case.ways and "interest" not in case.ways and case.at_stake > 0:
        return "other_income"
    if "interest" in case.ways and case.at_stake > 0:
        return "interest"
    return case.ways[0]


def _journal(case: Case, way: str, chosen: Choice | None) -> Journal | None:
    if case.booked:
        return figures.journal(case.booked)
    needs_choice = way in ("apply", "keep", "take_back")
    if not way or not case.at_stake or (needs_choice and chosen is None):
        return None
    owed, paid, kept = (chosen.owed, chosen.paid, chosen.kept) if chosen else (0, 0, 0)
    if way == "not_paid" and case.payment is not None:
        paid, kept = case.payment.applied, case.payment.credit
    legs = previews.transfers(
        way, case.at_stake, owed=owed, paid=paid, kept=kept, gateway=case.gateway
    )
    return figures.journal(legs, _effect(case, way, chosen))


def _effect(case: Case, way: str, chosen: Choice | None) -> Both | None:
    if chosen is not None and way == "take_back" and chosen.owed + case.at_stake > 0:
        rest = Money(chosen.owed + case.at_stake)
        return Both(
            f"giấy báo lại còn nợ; {rest} không bị lấy lại thành một việc mới",
            f"the bill owes again; {rest} that was not taken back becomes a new task",
        )
    if chosen is not None and way == "take_back" and chosen.paid:
        paid = Money(chosen.paid)
        return Both(f"giấy báo lại còn nợ {paid}", f"the bill owes {paid} again")
    if way != "apply" or chosen is None:
        return None
    left = chosen.owed - case.at_stake
    if left > 0:
        return Both(
            f"giấy báo thành Thanh toán thiếu, còn {Money(left)}",
            f"the bill becomes Part paid, {Money(left)} left",
        )
    if left < 0 and chosen.owed:
        return Both(
            f"giấy báo đủ tiền, {Money(-left)} thừa giữ làm số dư",
            f"the bill is paid, the {Money(-left)} beyond it is kept as credit",
        )
    return None if left else Both("giấy báo đủ tiền", "the bill is paid")


def _why(case: Case) -> Both:
    known = CODES.get(case.kind)
    if known is None:
        name = word("kind", case.kind).name
        return Both(f"{name.vi}.", f"{name.en}.")
    return Both(
        f"{known.cause_vi} {known.action_vi}",
        f"{known.cause_en} {known.action_en}",
    )


def _evidence(
    case: Case, chosen: Choice | None, known: Mapping[str, Choice]
) -> Sequence[proof.Stored]:
    """Of the chosen one; before that of the best, or of all that the line names together."""
    if chosen is not None:
        return (chosen.evidence or case.evidence) if chosen.target in known else ()
    if case.kind == _SPLIT and len(known) > 1:
        return proof.together([one.evidence for one in known.values()])
    return case.evidence


def _rule(case: Case, chosen: Choice | None) -> Both | None:
    if case.kind == _SPLIT:
        return None  # "the sum agrees" is what does not hold
    return proof.rule_of(chosen.rule if chosen is not None and chosen.rule else case.rule)


def _difference(case: Case, chosen: Choice | None) -> int:
    if case.kind not in ("UNDERPAID", "OVERPAID", "AMOUNT_MISMATCH") or chosen is None:
        return 0
    return case.at_stake - chosen.owed


def _line(case: Case) -> StatementLine | None:
    it = case.line
    if it is None:
        return None
    return StatementLine(it.file, it.number, it.at, it.reference, it.account_number, it.timed)


def _payer(case: Case) -> str:
    if case.payment is not None and case.payment.told is not None:
        return case.payment.told.name
    return case.line.counterparty if case.line else ""


def _candidate(one: Choice, number: int, *, chosen: bool = False) -> Candidate:
    return Candidate(
        id=one.target,
        number=number,
        beneficiary=one.beneficiary.name or one.code,
        group=one.beneficiary.group,
        amount=one.owed,
        code=one.code,
        title=one.title,
        agrees=proof.signs(one.evidence, "match"),
        near=proof.signs(one.evidence, "near"),
        differs=proof.signs(one.evidence, "differs"),
        chosen=chosen,
    )


def _proposer(case: Case, reader: Actor, may: str) -> Hand:
    if case.proposal is not None:
        return Hand(case.proposer, case.proposed_at, case.proposer_id == reader.id)
    return Hand(reader.name, you=True) if may == "propose" else NOBODY


def _approver(case: Case, reader: Actor, may: str) -> Hand:
    if case.approver and case.status in _OVER:
        return Hand(case.approver, case.resolved_at)
    return Hand(reader.name, you=True) if may == "approve" else NOBODY


def _refused(case: Case) -> str:
    """Why the last proposal was refused, until there is another one."""
    told = [one for one in case.history if one.what in ("proposed", "refused", "reopened")]
    return told[-1].why if told and told[-1].what == "refused" and case.status == "open" else ""


def _done(one: Event) -> Done:
    what = _EVENTS.get(one.what, Both(one.what, one.what))
    cleared = _CLEARED.get(one.why) if one.what == "auto_resolved" else None
    if cleared is not None:
        return Done(one.at, Both(f"{what.vi}: {cleared.vi}", f"{what.en}: {cleared.en}"), one.by)
    return Done(one.at, what, one.by, one.why)
