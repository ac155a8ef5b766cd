"""What can stop a process from starting: one line that says what to do, in both languages."""

from __future__ import annotations

from payments.domain.errors import DomainError


class StartError(DomainError):
    """A process cannot start or go on; the message names the remedy."""

    slug = "cannot-start"
    title_vi = "Không khởi động được"
    title_en = "Cannot start"
