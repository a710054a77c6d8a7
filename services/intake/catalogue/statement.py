"""The service statement (شرح بیانیه, توافقنامه سطح خدمت): what agency and recipient owe each other.

Pure. A section that the statement does not have is null; one printed without content is empty.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from services.intake.catalogue.card import Part, ServiceName
from shared.values.calendar import Day
from shared.values.text import Code, LongText, ShortText, persian_text

Title = Annotated[str, persian_text(max_length=300)]
PrintedNumber = Annotated[str, Field(pattern=r"^[0-9]{1,2}$")]


class Section(Part):
    number: PrintedNumber | None = Field(description="The number printed before the heading")
    heading: Title
    paragraphs: list[LongText]


class MutualObligations(Part):
    number: PrintedNumber | None
    heading: Title
    recipient: list[LongText]
    agency: list[LongText]


class Sections(Part):
    """The twelve sections of the long form; the ministry's short form has seven of them."""

    introduction: Section | None = Field(description="مقدمه")
    goals: Section | None = Field(description="اهداف شرح بیانیه")
    definition: Section | None = Field(description="تعریف خدمت")
    interactions: Section | None = Field(description="نحوه انجام تعاملات با خدمت‌گیرنده")
    reporting: Section | None = Field(description="نحوه گزارش‌دهی و بازبینی")
    aims: Section | None = Field(description="اهداف اجرای خدمت")
    responsibilities: Section | None = Field(description="مسئولیت‌ها")
    mutual_obligations: MutualObligations | None = Field(
        description="تعهدات متقابل خدمت‌گیرنده و دستگاه اجرایی"
    )
    contradictions: Section | None = Field(
        description="فرآیند حل و فصل تناقضات و جبران عدم ارائه خدمت"
    )
    fees: Section | None = Field(description="هزینه‌ها و پرداخت‌ها")
    period: Section | None = Field(description="دوره عملکرد")
    end: Section | None = Field(description="خاتمه شرح بیانیه")


class Obligation(Part):
    """One duty that software can point at; `declared` ones are what the applicant signs."""

    code: Code
    party: Literal["recipient", "agency"]
    text: LongText
    declared: StrictBool


class Responsibility(Part):
    party: Title
    text: LongText


class Source(Part):
    document: ShortText
    kind: Literal["statement", "identity_card"] = Field(
        description="`identity_card`: no statement was published, only what the card says is here"
    )
    confirmed: StrictBool


class StatementIn(Part):
    """What a statement says, as it is written anew; its version is counted here."""

    service: ServiceName
    valid_from: Day
    valid_to: Day | None = Field(description="First day on which it no longer holds")
    document_title: Title | None = Field(description="The title printed above the name")
    name: Title = Field(description="The exact Persian name of the service")
    sections: Sections
    obligations: list[Obligation]
    monitoring: list[LongText] = Field(description="روش‌های نظارت")
    responsibilities: list[Responsibility] = Field(description="مسئولیت‌های سازمانی")
    legal_basis: list[Title] | None
    legal_basis_stated: StrictBool = Field(
        description="False where the source keeps an unfilled place for the laws"
    )
    exceptions: list[LongText] | None = Field(description="استثناها: empty means none stated")
    source: Source

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise PydanticCustomError("ends_before_it_begins", "ends_before_it_begins")
        return self


class Statement(StatementIn):
    """One version of a service's statement; acceptance of it is kept with each application."""

    version: Annotated[StrictInt, Field(ge=1, le=30_000)]
