"""The life of one message to one person: it waits, is being sent, and then one of three is true.

`unknown` is told apart from `failed`: a message that may have gone out is never sent again blindly.
"""

from enum import StrEnum

from shared.web.auth import Role
from shared.workflow import Step, Workflow


class Status(StrEnum):
    """Where a message stands."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


S = Status

SYSTEM = {Role.SYSTEM}
QUIET = "a message about a message would have no end"

# A table is read by its lines.
# fmt: off
NOTICE = Workflow("notify.notice", Status, S.QUEUED, [
    Step("queue", (), S.QUEUED, by=SYSTEM, silent=QUIET, fa="در صف ارسال قرار گرفت"),
    Step("start_sending", {S.QUEUED}, S.SENDING, by=SYSTEM, silent=QUIET, fa="ارسال آغاز شد"),
    Step("record_sent", {S.SENDING}, S.SENT, by=SYSTEM, silent=QUIET, fa="ارسال شد"),
    Step("record_failure", {S.SENDING}, S.FAILED, by=SYSTEM, silent=QUIET, fa="ارسال نشد"),
    Step("record_unknown", {S.SENDING}, S.UNKNOWN, by=SYSTEM, silent=QUIET, fa="پاسخی نیامد"),
    Step("record_receipt", {S.SENT, S.UNKNOWN}, {S.SENT, S.FAILED}, by=SYSTEM, silent=QUIET,
         fa="رسید سامانهٔ پیامک رسید"),
    # Another try, or another provider, and only when it is certain that the first did not go out.
    Step("requeue", {S.FAILED}, S.QUEUED, by=SYSTEM, silent=QUIET, fa="دوباره در صف قرار گرفت"),
], labels={
    S.QUEUED: "در صف ارسال",
    S.SENDING: "در حال ارسال",
    S.SENT: "ارسال‌شده",
    S.FAILED: "ارسال‌نشده",
    S.UNKNOWN: "نامعلوم",
}, stopped={S.SENT, S.FAILED, S.UNKNOWN}, next_step={
    S.QUEUED: "پیام فرستاده می‌شود.",
    S.SENDING: "پاسخ سامانهٔ پیامک ثبت می‌شود.",
})
# fmt: on
