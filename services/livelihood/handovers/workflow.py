"""A row of the hand-over, from the day on which it is due to the other body's answer.

A row speaks of one award: it introduces the household, or takes the introduction back.
"""

from enum import StrEnum

from shared.web.auth import Role
from shared.workflow import Step, Workflow


class Status(StrEnum):
    """Where a row stands."""

    READY = "ready"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    CORRECTED = "corrected"
    DROPPED = "dropped"


S = Status

SYSTEM = {Role.SYSTEM}
MINISTRY = {Role.MINISTRY}
OFFICER = {Role.INTAKE_OFFICER, Role.SOCIAL_WORKER}

# These go into the next batch.
WAITING = {S.READY, S.CORRECTED}

BETWEEN_BODIES = "between two bodies; the household hears of its own award"

# A table is read by its lines.
# fmt: off
HANDOVER = Workflow("livelihood.handover", Status, S.READY, [
    Step("prepare", (), S.READY, by=SYSTEM,
         silent=BETWEEN_BODIES, fa="برای معرفی آماده شد"),
    Step("send", WAITING, S.SENT, by=SYSTEM,
         silent=BETWEEN_BODIES, fa="به سازمان هدفمندی فرستاده شد"),
    Step("acknowledge", {S.SENT}, S.ACKNOWLEDGED, by=MINISTRY,
         silent=BETWEEN_BODIES, fa="سازمان هدفمندی پذیرفت"),
    Step("reject", {S.SENT}, S.REJECTED, by=MINISTRY,
         silent=BETWEEN_BODIES, fa="سازمان هدفمندی نپذیرفت"),
    Step("correct", {S.REJECTED}, S.CORRECTED, by=OFFICER,
         silent=BETWEEN_BODIES, fa="اصلاح شد و در نوبت بعد فرستاده می‌شود"),
    # The award changed again before anything had gone out that stands.
    Step("drop", {S.READY, S.REJECTED, S.CORRECTED}, S.DROPPED, by=SYSTEM,
         silent=BETWEEN_BODIES, fa="پیش از فرستادن بی‌موضوع شد"),
], labels={
    S.READY: "آمادهٔ معرفی",
    S.SENT: "فرستاده‌شده",
    S.ACKNOWLEDGED: "پذیرفته‌شده",
    S.REJECTED: "رد با کد",
    S.CORRECTED: "اصلاح‌شده",
    S.DROPPED: "بی‌موضوع",
}, stopped={S.ACKNOWLEDGED, S.DROPPED}, next_step={
    S.READY: "در بستهٔ بعدی به سازمان هدفمندی فرستاده می‌شود.",
    S.SENT: "سازمان هدفمندی هر ردیف را می‌پذیرد یا با کد رد می‌کند.",
    S.REJECTED: "کارشناس علت را برطرف می‌کند.",
    S.CORRECTED: "در بستهٔ بعدی دوباره فرستاده می‌شود.",
}, refusals=("rejected",))
# fmt: on
