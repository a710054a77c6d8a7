"""What the public shapes of intake share: strict bodies, places, and what a path may name."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.values.calendar import Day
from shared.values.identifiers import PostalCode
from shared.values.text import persian_text
from shared.web.errors import Fault, InvalidInput

Name = Annotated[str, persian_text(max_length=60, example="تهران")]
Reason = Annotated[str, persian_text(max_length=500, example="بهبود وضعیت معیشت خانوار")]

# In strict mode pydantic takes no text for a UUID once the JSON is parsed.
Id = Annotated[UUID, Field(strict=False)]


class Body(BaseModel):
    """What comes in: strict, and nothing that is not named."""

    model_config = ConfigDict(extra="forbid", strict=True)


class AddressIn(Body):
    """Where the household lives; province and county by id or by name."""

    province: Name
    county: Name
    postal_code: PostalCode
    text: Annotated[str, persian_text(max_length=300, example="خیابان شوش، کوچهٔ یکم، پلاک ۳")]


class DatedReasonIn(Body):
    """Why, and from which day."""

    reason: Reason
    on: Day


def not_after(day: date, today: date, pointer: str) -> None:
    """Refuse what is said to have happened on a day that has not come. Raises InvalidInput."""
    if day > today:
        fa, en = "این روز هنوز نیامده است", "This day has not come yet"
        raise InvalidInput(errors=[Fault(pointer, "in_the_future", fa, en)])
