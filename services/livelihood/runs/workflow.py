"""A month's payments, from the open month to the closed one (domain/state-machines.md 3.2).

Nobody funds what they prepared, nor sends what they prepared or funded (decision 6, LV-21).
"""

from enum import StrEnum

from shared.web.auth import Role
from shared.workflow import Step, Workflow


class Status(StrEnum):
    """Where a run stands."""

    OPEN = "open"
    SNAPSHOT = "snapshot"
    FUNDING = "funding"
    BLOCKED_NO_FUNDS = "blocked_no_funds"
    FUNDED = "funded"
    FILE_BUILT = "file_built"
    SENT = "sent"
    SETTLING = "settling"
    RECONCILED = "reconciled"
    CLOSED = "closed"


S = Status

SYSTEM = {Role.SYSTEM}
PREPARER = {Role.FINANCE_PREPARER}
FUNDER = {Role.FINANCE_APPROVER}
SENDER = {Role.FINANCE_SENDER}
FINANCE = PREPARER | FUNDER | SENDER

# From here on the money of a run is bound in the year's budget.
FUNDED = (S.FUNDED, S.FILE_BUILT, S.SENT, S.SETTLING, S.RECONCILED, S.CLOSED)
# From here on a bank may say what became of a payment, however late (H17).
ANSWERED = (S.SENT, S.SETTLING, S.RECONCILED, S.CLOSED)

INSIDE = "the agency's own bookkeeping: a household is told of its own payment"

# A table is read by its lines.
# fmt: off
RUN = Workflow("livelihood.run", Status, S.OPEN, [
    Step("open", (), S.OPEN, by=PREPARER,
         silent=INSIDE, fa="پرداخت ماه باز شد"),
    Step("take_snapshot", {S.OPEN}, S.SNAPSHOT, by=SYSTEM,
         silent=INSIDE, fa="گزارش پایان ماه بسته شد"),
    Step("fund", {S.SNAPSHOT, S.BLOCKED_NO_FUNDS}, S.FUNDING, by=FUNDER, not_by=("open",),
         silent=INSIDE, fa="تأمین اعتبار تأیید شد"),
    Step("secure_funds", {S.FUNDING}, S.FUNDED, by=SYSTEM,
         silent=INSIDE, fa="اعتبار در بودجهٔ سال بسته شد"),
    Step("block_for_funds", {S.FUNDING}, S.BLOCKED_NO_FUNDS, by=SYSTEM,
         silent=INSIDE, fa="بودجهٔ سال برای این ماه بس نبود"),
    Step("build_file", {S.FUNDED}, S.FILE_BUILT, by=SENDER, not_by=("open", "fund"),
         silent=INSIDE, fa="فایل پرداخت ساخته شد"),
    Step("send", {S.FILE_BUILT}, S.SENT, by=SENDER, not_by=("open", "fund"),
         silent=INSIDE, fa="فایل پرداخت به بانک فرستاده شد"),
    Step("start_settling", {S.SENT}, S.SETTLING, by=SYSTEM,
         silent=INSIDE, fa="نخستین پاسخ بانک رسید"),
    Step("reconcile", {S.SETTLING}, S.RECONCILED, by=SYSTEM,
         silent=INSIDE, fa="مغایرت‌گیری انجام شد"),
    Step("close", {S.RECONCILED}, S.CLOSED, by=FINANCE,
         tell="livelihood.month_paid", fa="پرداخت ماه بسته شد"),
], labels={
    S.OPEN: "باز",
    S.SNAPSHOT: "گزارش پایان ماه",
    S.FUNDING: "تأمین اعتبار",
    S.BLOCKED_NO_FUNDS: "در انتظار بودجه",
    S.FUNDED: "اعتبار تأمین شد",
    S.FILE_BUILT: "فایل پایا آماده است",
    S.SENT: "فرستاده‌شده",
    S.SETTLING: "در حال تسویه",
    S.RECONCILED: "مغایرت‌گیری‌شده",
    S.CLOSED: "بسته‌شده",
}, paused={S.BLOCKED_NO_FUNDS}, stopped={S.CLOSED}, next_step={
    S.OPEN: "سامانه فهرست ماه را برمی‌دارد و می‌بندد.",
    S.SNAPSHOT: "تأییدکنندهٔ مالی، که تهیه‌کننده نیست، اعتبار را تأمین می‌کند.",
    S.FUNDING: "سامانه بودجهٔ سال را می‌سنجد.",
    S.BLOCKED_NO_FUNDS: "پس از افزایش بودجهٔ سال، تأمین اعتبار دوباره خواسته می‌شود.",
    S.FUNDED: "فرستندهٔ مالی فایل پرداخت را می‌سازد.",
    S.FILE_BUILT: "فرستندهٔ مالی فایل را به بانک می‌فرستد.",
    S.SENT: "بانک نتیجهٔ پرداخت‌ها را اعلام می‌کند.",
    S.SETTLING: "با رسیدن همهٔ نتیجه‌ها مغایرت‌گیری انجام می‌شود.",
    S.RECONCILED: "امور مالی پرداخت ماه را می‌بندد.",
})
# fmt: on
