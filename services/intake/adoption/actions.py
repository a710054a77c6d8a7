"""Somebody is found in need: first they become known, then the case gets its application."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.intake.applications import queries
from services.intake.applications.actions import kin, start_clock
from services.intake.applications.events import people_of, settle
from services.intake.applications.models import FILED_AND_OPEN, Application
from services.intake.applications.rules import area_faults
from services.intake.catalogue.queries import rulebook
from services.intake.clients import clients
from services.intake.errors import RegistryAway
from services.intake.people import queries as people
from services.intake.people.actions.persons import refresh
from shared.storage import audit, policy
from shared.storage.db import Transaction, dumps
from shared.storage.outbox import Event, tell
from shared.storage.step import fresh
from shared.values.calendar import tehran_date
from shared.web.auth import SYSTEM, Actor
from shared.web.clients import PartyUnavailable
from shared.web.errors import Fault, InvalidInput, NotFound
from shared.workflow import advance

CHANNEL = "intranet_erp"
WITHDRAWN = "application.withdrawn"


async def make_known(
    tx: Transaction,
    actor: Actor,
    *,
    service: str,
    national_code: str | None,
    person_id: UUID | None,
    members: Sequence[str],
    mobile: str | None,
    province: str | None,
    county: str | None,
) -> dict[str, Any]:
    """Who was found, by id, with what a case needs; asked of the registries, then written.

    Raises NotFound, RegistryAway, and InvalidInput with every fault at once.
    """
    book = await rulebook(tx)
    county_id = book.area(county, within=province) if county else None
    faults = area_faults("known", county_id, "/address") if county and not county_id else []
    known = await people.person(tx, person_id=person_id, national_code=national_code)
    if known is None and national_code is None:
        raise NotFound
    code = national_code or people.opened(tx, known or {})["national_code"]
    asked = {"/national_code": code}
    asked |= {f"/members/{at}": one for at, one in enumerate(members) if one != code}
    records = await people.records_of(tx, asked)
    if mobile is not None and not await _owns(tx, code, mobile):
        faults.append(NOT_OWNED)
    if faults:
        raise InvalidInput(errors=faults)
    ids = {
        one: await refresh(
            tx, records[one], tracking_code=None, mobile=mobile if one == code else None
        )
        for one in sorted(records)
    }
    await audit.record(
        tx, actor=actor.sub, action="person.found", request_id=tx.trace, purpose=actor.purpose,
        subject=tx.runtime.crypto.pseudonym(ids[code]), reader=actor.service,
    )  # fmt: skip
    index, home = tx.runtime.crypto.index(code), (known or {}).get("household") or {}
    return {
        "person_id": ids[code],
        "birth_on": records[code].birth_on,
        "holder": index.hex(),
        "kin": [one.hex() for one in kin(tx, [index], records, members)],
        "members": [
            {
                "person_id": ids[one],
                "relation": records[code].relation_of(one),
                "birth_on": records[one].birth_on,
            }
            for one in ids
            if one != code
        ],
        "household_id": home.get("household_id"),
        "province": home.get("province"),
        "county": county_id,
        "open": await _open(tx, service, index),
    }


NOT_OWNED = Fault(
    "/mobile",
    "mobile_not_owned",
    "این شمارهٔ همراه به نام این شخص نیست",
    "This mobile number is not registered to this person",
)


async def _owns(tx: Transaction, code: str, mobile: str) -> bool:
    rule = await policy.on(tx, "intake.inquiry.shahkar", tehran_date(tx.now))
    try:
        return await clients(tx.runtime).owns(code, mobile, keep_s=rule["cache_s"])
    except PartyUnavailable:
        raise RegistryAway from None


async def _open(tx: Transaction, service: str, index: bytes) -> bool:
    """Whether an application of theirs for this service is under way."""
    found = await tx.fetchrow(
        "SELECT 1 FROM intake.application WHERE service = $1"  # noqa: S608 - a constant
        f" AND subject_index = $2 AND status IN ({FILED_AND_OPEN})",
        service,
        index,
    )
    return found is not None


async def adopt(tx: Transaction, event: Event) -> Application | None:
    """Give a case that a service began its application, under the same tracking code.

    Where the person has applied by themselves meanwhile, theirs goes on and this one ends.
    Raises Unavailable and PartyUnavailable: the event comes again.
    """
    code = event.payload["tracking_code"]
    told = await tx.runtime.inside.get(
        event.source, f"/internal/identifications/{code}", purpose="adopt"
    )
    content = await _content(tx, event.source, told)
    records = await people_of(tx, content)
    await tx.begin()
    application = await _application(tx, event, told, content)
    application.kin = kin(tx, application.holders, records, content["details"]["members"])
    if await queries.open_instead_of(tx, application) is not None:
        await tell(
            tx, WITHDRAWN, subject_id=application.id, version=1, payload=application.told(),
            hearers=[event.source],
        )  # fmt: skip
        return None
    await start_clock(tx, application)
    await settle(tx, application, content, records)
    office = (await rulebook(tx)).office(application.province, application.county)
    application.office_code = told["office_code"] or (office.code if office else None)
    due = application.due_on
    await advance(
        tx, application, "adopt", SYSTEM, facts={"due_on": due.isoformat()} if due else {}
    )
    return application


async def _content(tx: Transaction, service: str, told: dict[str, Any]) -> dict[str, Any]:
    """What an application would say, as far as the agency knows it without having been asked."""
    sealed = [await _opened(tx, person_id) for person_id in (told["person_id"], *told["members"])]
    first = sealed[0]
    return {
        "service": service,
        "channel": CHANNEL,
        "applicant": {
            "national_code": first["national_code"],
            "birth_on": first["record"].get("birth_on"),
            "mobile": first["mobile"],
        },
        "details": {
            "reason": told["reason"],
            "sheba": None,
            "address": told["address"],
            "members": [one["national_code"] for one in sealed[1:]],
            "emergency_id": None,
        },
    }


async def _opened(tx: Transaction, person_id: str) -> dict[str, Any]:
    found = await people.person(tx, person_id=UUID(person_id))
    if found is None:
        raise LookupError("a case of somebody whom we do not know")
    return people.opened(tx, found)


async def _application(
    tx: Transaction, event: Event, told: dict[str, Any], content: dict[str, Any]
) -> Application:
    crypto, application_id = tx.runtime.crypto, UUID(told["application_id"])
    index = crypto.index(content["applicant"]["national_code"])
    mobile = content["applicant"]["mobile"] or application_id  # nobody's number
    person_id = UUID(told["person_id"])
    return fresh(
        Application,
        id=application_id,
        tracking_code=event.payload["tracking_code"],
        version=0,
        person_ids=[person_id],
        holders=[index],
        kin=[index],
        province=told["province"],
        county=told["county"],
        opened_at=tx.now,
        changed_at=tx.now,
        service=event.source,
        channel=CHANNEL,
        applicant_id=person_id,
        subject_id=person_id,
        subject_index=index,
        mobile_index=crypto.index(f"mobile|{mobile}"),
        content=crypto.seal(
            dumps(content), table="intake.application", column="content", row=application_id
        ),
        filed_by_sub=SYSTEM.sub,
        fee_rial=0,
        identity="confirmed",
        paused_days=0,
        case_version=0,
        waits_for=[],
        visits=0,
    )
