"""The public shape of the hand-over."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.livelihood.schemas import Sentence, body
from shared.values.text import Code

ROW = "019a9d5e-7b22-7f10-9c3d-5e8a1f4b6d20"


Reference = Annotated[UUID, Field(strict=False, description="شناسهٔ ردیف در بسته")]


class AnswerIn(BaseModel):
    """The other body's word on one row."""

    model_config = body(reference=ROW, outcome="rejected", code="not_found")

    reference: Reference
    outcome: Literal["acknowledged", "rejected"] = Field(description="پذیرفته یا رد")
    code: Code | None = Field(default=None, description="کد رد، به واژهٔ خود سازمان؛ با رد لازم است")


class AcknowledgeIn(BaseModel):
    """Answers to a batch, in any order and as many at a time as there are."""

    model_config = body(rows=[{"reference": ROW, "outcome": "acknowledged"}])

    rows: list[AnswerIn] = Field(min_length=1, max_length=500, description="پاسخ هر ردیف")


class CorrectIn(BaseModel):
    """A rejected row whose cause is gone: it goes with the next batch, as the award stands then."""

    model_config = body(reference=ROW, reason="کد ملی سرپرست در پرونده اصلاح شد")

    reference: Reference
    reason: Sentence = Field(description="چه چیزی اصلاح شد")


class LineFault(BaseModel):
    """An answer that could not be taken, by its place in the list."""

    line: int
    code: str = Field(
        examples=["unknown_reference", "code_missing", "code_not_expected", "answered_otherwise"]
    )


class Answered(BaseModel):
    """What became of the answers: a repeated one changes nothing."""

    accepted: int
    repeated: int
    errors: list[LineFault]


class HandoverOut(BaseModel):
    """A batch; `counts` are its rows by what they have come to, corrected ones where they are."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    handover_id: UUID
    number: int
    rows: int
    sha256: str
    state: str = Field(examples=["built", "sending", "accepted", "refused"])
    counts: dict[str, int] = Field(examples=[{"waiting": 1, "acknowledged": 2, "rejected": 1}])
    built_at: datetime
    built_at_jalali: str
    sent_at: datetime | None
    receipt: str | None


class HandoverLineOut(BaseModel):
    """One line of a batch as it was frozen, and what was answered to it."""

    reference: UUID
    line: int
    kind: str
    covered_size: int
    from_period: str
    last_period: str | None
    outcome: str | None
    code: str | None
    status: str
    status_label: str


class HandoverView(HandoverOut):
    """A batch with a page of its lines."""

    items: list[HandoverLineOut]
    next_cursor: str | None = None
