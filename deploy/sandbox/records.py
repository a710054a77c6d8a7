"""What the outside parties know: the bodies of the control calls, as the API page names them."""

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from shared.values.calendar import Day, Instant
from shared.values.identifiers import Mobile, NationalCode, Sheba

Text = Annotated[str, Field(min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=0, le=100)]
Rial = Annotated[int, Field(ge=0, le=10**15)]


class Record(BaseModel):
    """Strict, and nothing unknown: a misspelt field must not silently change the world."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Address(Record):
    province: Text | None = None
    county: Text | None = None
    postal_code: Annotated[str, Field(pattern=r"\A[0-9]{10}\z")] | None = None
    text: Annotated[str, Field(max_length=1000)] | None = None


class LifeEvent(Record):
    kind: Literal["divorce", "death", "remarriage"]
    on: Day
    document_ref: Text | None = None


class Person(Record):
    """What the civil registry knows of somebody; Shahkar answers from `mobiles`."""

    first_name: Text
    last_name: Text
    father_name: Text | None = None
    sex: Literal["male", "female"]
    birth_on: Day
    birth_certificate_no: Text | None = None
    alive: bool = True
    died_on: Day | None = None
    marital_status: Literal["single", "married", "divorced", "widowed"] = "single"
    father: NationalCode | None = None
    mother: NationalCode | None = None
    spouse: NationalCode | None = None
    children: list[NationalCode] = []
    mobiles: list[Mobile] = []
    address: Address | None = None
    events: list[LifeEvent] = []

    @model_validator(mode="after")
    def _living_people_have_no_date_of_death(self) -> "Person":
        if self.alive and self.died_on is not None:
            raise ValueError("alive, yet died_on is set")
        return self


class Welfare(Record):
    decile: Annotated[int, Field(ge=1, le=10)] | None = None
    monthly_income_rial: Rial = 0
    vehicles: Count = 0
    insured: bool = False
    members: list[NationalCode] | Count = 1


class Conscription(Record):
    status: Literal[
        "not_subject",
        "subject",
        "absent",
        "serving",
        "served",
        "exempt_temporary",
        "exempt_permanent",
    ]


class Account(Record):
    holder_national_code: NationalCode
    state: Literal["open", "closed"] = "open"


class Shares(Record):
    status: Text
    nominal_rial: Rial = 0
    sheba: Sheba | None = None
    heirs: list[NationalCode] = []


class Blocked(Record):
    blocked: bool = True


Party = Literal[
    "civil-registry",
    "shahkar",
    "welfare",
    "insurance",
    "central-bank",
    "bank",
    "sms-primary",
    "sms-secondary",
    "conscription",
    "depository",
    "subsidies",
]


class BusinessTime(Record):
    now: Instant


class Fault(Record):
    """What befalls a share of the calls to a party."""

    mode: Literal["ok", "error", "timeout", "accepted_then_timeout", "slow"]
    rate: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 1.0
