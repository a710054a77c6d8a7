"""The public shape of a line of the worklist."""

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.intake.schemas import Body, Reason

Sub = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,255}$", examples=["demo-social-worker-2"])]


class ReassignIn(Body):
    """To whom a case goes, by the `sub` of their credential, and why."""

    to: Sub
    reason: Reason


class WorklistRow(BaseModel):
    """A case that waits for the caller; `label` is its status in the service, in Persian."""

    tracking_code: str
    service: str
    status: str
    case_status: str | None
    label: str
    waits_for: list[str]
    office_code: str | None
    due_on: date
    due_on_jalali: str
    overdue: bool
    claimed_by_me: bool
    claimed_until: datetime | None
