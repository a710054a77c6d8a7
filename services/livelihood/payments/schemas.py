"""The public shape of a payment."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field


class PaymentOut(BaseModel):
    """What a household is due for a month, and what became of it.

    `promised_on` is the day on which the bank has it in the account, from when its file is built.
    """

    payment_id: UUID
    award_id: UUID
    period: str = Field(examples=["1405-08"])
    kind: str = Field(examples=["regular"])
    component: str = Field(examples=["base"])
    amount_rial: int
    status: str = Field(examples=["sent"])
    status_label: str
    reason: str | None = Field(description="کد علت، اگر نگه‌داشته یا برگشتی باشد")
    promised_on: date | None
    promised_on_jalali: str | None
    paid_at: datetime | None
    paid_at_jalali: str | None
