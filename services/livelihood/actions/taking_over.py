"""Awards and accounts from an older system: no month is paid by both, nothing is decided anew.

The household and its coverage are there already, brought into intake before; the account is
verified as any other. What is not so refuses the line, not the file.
"""

import os
from uuid import UUID

from services.livelihood import rules as terms
from services.livelihood.actions.admission import seal
from services.livelihood.awards import queries
from services.livelihood.awards.actions.begin import begin, living
from services.livelihood.awards.actions.steps import VERIFIED, change_account
from services.livelihood.awards.models import Award
from services.livelihood.awards.schemas import AccountIn, AccountRow, AwardRow
from services.livelihood.clients import Home, account_of, home_of
from services.livelihood.errors import AccountNotVerified, CoverageNotStarted, HouseholdHasAward
from services.livelihood.models import AdmissionCase
from shared.storage import policy
from shared.storage.coverage import Covered, covered
from shared.storage.db import Transaction
from shared.values.calendar import period_of, tehran_date
from shared.values.identifiers import new_tracking_code, uuid7
from shared.web.auth import Actor
from shared.web.errors import Fault, InvalidInput, NotFound
from shared.workflow import advance


async def take_over(tx: Transaction, row: AwardRow, *, actor: Actor) -> UUID:
    """An award that an older system paid until now. Raises InvalidInput with what is not so,
    CoverageNotStarted, HouseholdHasAward, AccountNotVerified, NotFound, PartyUnavailable.
    """
    await _one_payer(tx, row)
    home = await home_of(tx, row.head)
    people = await living(tx, await covered(tx, household_id=home.household_id))
    if not people:
        raise CoverageNotStarted
    if await queries.of_household(tx, home.household_id):
        raise HouseholdHasAward
    state = terms.account_state(await account_of(tx.runtime, row.sheba), owner=home.holder)
    if state != VERIFIED:
        raise AccountNotVerified(account_state=state)
    case = await _case(tx, row, home, people)
    await tx.begin()
    award, rows = await begin(tx, case, actor, people, row.sheba, start=row.start_period)
    if award.start_period != row.start_period:
        raise _fault("/start_period", "paid_before", "این ماه پیش‌تر پرداخت شده", "Paid before")
    if award.covered_size != row.covered_size:
        words = "شمار اعضای تحت پوشش این نیست", "Not the number of those who are covered"
        raise _fault("/covered_size", "covered_size_differs", *words)
    case.award_id = award.id
    facts = {"start_period": row.start_period, "last_paid_period": row.last_paid_period}
    await advance(tx, case, "take_over", actor, facts=facts, also=rows)
    return award.id


async def _one_payer(tx: Transaction, row: AwardRow) -> None:
    """No month by two systems, and none that our own list has passed without this award."""
    if row.start_period <= row.last_paid_period:
        words = "این ماه را سامانهٔ پیشین پرداخته است", "The older system has paid this month"
        raise _fault("/start_period", "paid_elsewhere", *words)
    gone = row.start_period < period_of(tx.now)
    if gone or await queries.is_listed(tx, row.start_period):
        words = "فهرست این ماه بسته شده یا ماه گذشته است", "The list of this month has been drawn"
        raise _fault("/start_period", "month_has_gone", *words)


async def _case(tx: Transaction, row: AwardRow, home: Home, people: list[Covered]) -> AdmissionCase:
    """The case that the award stands on: decided elsewhere, so it has no application here."""
    order = await policy.on(tx, "livelihood.priority", tehran_date(tx.now))
    case_id = uuid7()
    case = AdmissionCase(
        id=case_id,
        application_id=case_id,
        version=0,
        tracking_code=new_tracking_code(os.urandom(6)),
        origin="imported",
        person_ids=sorted({home.head_id, *(one.person_id for one in people)}),
        holders=[home.holder],
        kin=sorted({home.holder, *(member.holder for member in home.members)}),
        province=home.province,
        county=home.county,
        office_code=home.office_code,
        household_id=home.household_id,
        opened_at=tx.now,
        applicant_id=home.head_id,
        subject_id=home.head_id,
        applicant_index=home.holder,
        submitted_on=row.granted_on,
        reason=row.reason,
        priority=terms.priority(row.reason, order["order"]),
        members=len(people),
        account_state=VERIFIED,
        account_checked_at=tx.now,
    )
    case.sheba = seal(tx, case, "sheba", row.sheba)
    case.address = seal(tx, case, "address", home.address)
    case.household = seal(tx, case, "household", home.kept())
    return case


async def take_account(tx: Transaction, row: AccountRow, *, actor: Actor) -> UUID:
    """Another account of a payee's own. Raises NotFound for who is paid by no award here."""
    home = await home_of(tx, row.payee)
    award_id = await queries.of_household(tx, home.household_id)
    award = await queries.find(tx, award_id) if award_id else None
    if award is None or award.payee_id != home.head_id:
        raise NotFound
    if await _has(tx, award, row.sheba):
        return award.id
    await change_account(tx, award, actor, AccountIn(sheba=row.sheba))
    return award.id


async def _has(tx: Transaction, award: Award, sheba: str) -> bool:
    """Whether it is this account that the award is paid to now."""
    account = await queries.account(tx, award.payee_account_id)
    opened = tx.runtime.crypto.open_json(
        account["sheba"], table="livelihood.payee_account", column="sheba", row=account["id"]
    )
    return bool(opened == sheba and account["person_id"] == award.payee_id)


def _fault(pointer: str, code: str, fa: str, en: str) -> InvalidInput:
    return InvalidInput(errors=[Fault(pointer, code, fa, en)])
