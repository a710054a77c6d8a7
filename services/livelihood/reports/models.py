"""Tables of the month-end report: figures that are counted once and never again."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.livelihood.models import Base


class RunReport(Base):
    """That a closed list has been counted, when, and by which poverty line, if one is in force."""

    __tablename__ = "run_report"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("livelihood.run.id"), primary_key=True)
    counted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    line_rial: Mapped[int | None] = mapped_column(BigInteger)
    line_from: Mapped[date | None]
    line_source: Mapped[str | None] = mapped_column(Text)
    line_confirmed: Mapped[bool | None]

    __table_args__ = (
        CheckConstraint(
            "(line_rial IS NULL) = (line_from IS NULL)"
            " AND (line_rial IS NULL) = (line_source IS NULL)"
            " AND (line_rial IS NULL) = (line_confirmed IS NULL)",
            name="line_whole",
        ),
    )


class RunGroup(Base):
    """What the households of one size, province, reason and decile came to in a list.

    They are kept as they were when the list was closed: awards, cases and deciles go on changing.
    An empty province or reason and the decile 0 are those that nobody knew. Of the households whose
    income is known, `below` were under the poverty line and `lifted` are not with the month's aid.
    """

    __tablename__ = "run_group"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("livelihood.run.id"), primary_key=True)
    covered_size: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    province: Mapped[str] = mapped_column(Text, primary_key=True)
    reason: Mapped[str] = mapped_column(Text, primary_key=True)
    decile: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    households: Mapped[int] = mapped_column(BigInteger)
    people: Mapped[int] = mapped_column(BigInteger)
    held: Mapped[int] = mapped_column(BigInteger)
    amount_rial: Mapped[int] = mapped_column(BigInteger)
    held_rial: Mapped[int] = mapped_column(BigInteger)
    known: Mapped[int] = mapped_column(BigInteger)
    below: Mapped[int] = mapped_column(BigInteger)
    lifted: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        CheckConstraint("covered_size BETWEEN 1 AND 5", name="covered_size"),
        CheckConstraint("decile BETWEEN 0 AND 10", name="decile"),
        CheckConstraint("lifted <= below AND below <= known", name="lifted"),
    )
