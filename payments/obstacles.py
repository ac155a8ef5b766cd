"""Obstacles: what keeps a day from being closed, beside figures that do not agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a day cannot be closed yet, and what to do about it, in both languages."""

    vi: str
    en: str


def failed_runs(db: Session, day: date) -> list[Obstacle]:
    """Accounts whose nightly run of the day failed and has not succeeded since, by number.

    One that is being tried again counts until it has succeeded. A run of a later day that was
    finished since has done the work of this one, too.
    """
    rows = db.execute(
        text("""SELECT a.account_number, r.attempt, r.error, r.error_vi FROM run r
                JOIN bank_account a ON a.biller_id = r.biller_id AND a.id = r.bank_account_id
                WHERE r.biller_id = :biller AND r.day = :day AND r.finished_at IS NULL
                    AND (r.error IS NOT NULL OR r.attempt > 1)
                    AND NOT EXISTS (SELECT FROM run n WHERE n.biller_id = r.biller_id
                        AND n.bank_account_id = r.bank_account_id AND n.day > r.day
                        AND n.finished_at >= r.started_at)
                ORDER BY a.account_number"""),
        {"biller": biller_of(db), "day": day},
    )
    return [_failed(row) for row in rows]


def _failed(row: Row[Any]) -> Obstacle:
    number, attempt = row.account_number, row.attempt
    if row.error is None:
        return Obstacle(
            f"Lượt đối soát tài khoản {number} từng lỗi và đang chạy lại (lần {attempt}): chờ nó"
            " xong, hoặc bấm Đối soát ngày này nếu đã lâu không tiến thêm.",
            f"The nightly run of account {number} was broken off and is tried again (attempt"
            f" {attempt}): wait for it, or press Reconcile this day if it has stood still.",
        )
    return Obstacle(
        f"Lượt đối soát tài khoản {number} bị lỗi (lần {attempt}): {row.error_vi or row.error}"
        " Bấm Đối soát ngày này để chạy lại; nếu vẫn lỗi, nhờ người quản trị xem nhật ký worker.",
        f"The nightly run of account {number} failed (attempt {attempt}): {row.error}"
        " Press Reconcile this day to run it again; if it fails again, ask whoever runs the"
        " system to look at the worker's log.",
    )
