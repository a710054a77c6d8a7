"""Civil registry, mobile ownership (Shahkar) and Sheba ownership (central bank)."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from deploy.sandbox.desk import Body, Desk
from deploy.sandbox.records import Party, Person, Record
from deploy.sandbox.world import World
from shared.values.calendar import jalali_text

NationalId = Annotated[str, Field(pattern=r"\A[0-9]{10}\z")]
UNKNOWN: Body = {"found": False, "reason": "unknown_national_id"}


class PersonAsked(Record):
    nationalId: NationalId  # noqa: N815 the party's spelling
    birthDate: Annotated[str, Field(pattern=r"\A[0-9]{4}/[0-9]{2}/[0-9]{2}\z")]  # noqa: N815


class CodeAsked(Record):
    nationalId: NationalId  # noqa: N815


class MatchAsked(Record):
    nationalId: NationalId  # noqa: N815
    mobileNumber: Annotated[str, Field(pattern=r"\A09[0-9]{9}\z")]  # noqa: N815


class ShebaAsked(Record):
    sheba: Annotated[str, Field(pattern=r"\AIR[0-9]{24}\z")]


def routes(world: World, desks: dict[Party, Desk]) -> APIRouter:
    """The inquiries that change nothing."""
    router = APIRouter()
    registry, shahkar, bank = desks["civil-registry"], desks["shahkar"], desks["central-bank"]

    @router.post("/civil-registry/v1/person")
    async def person(request: Request) -> JSONResponse:
        return await registry.serve(request, PersonAsked, lambda asked: _identity(world, asked))

    @router.post("/civil-registry/v1/life-status")
    async def life_status(request: Request) -> JSONResponse:
        return await registry.serve(request, CodeAsked, lambda asked: _life(world, asked))

    @router.post("/civil-registry/v1/relations")
    async def relations(request: Request) -> JSONResponse:
        return await registry.serve(request, CodeAsked, lambda asked: _relations(world, asked))

    @router.post("/shahkar/v1/match")
    async def match(request: Request) -> JSONResponse:
        return await shahkar.serve(request, MatchAsked, lambda asked: _match(world, asked))

    @router.post("/central-bank/v1/sheba-owner")
    async def sheba_owner(request: Request) -> JSONResponse:
        return await bank.serve(request, ShebaAsked, lambda asked: _owner(world, asked))

    return router


def _identity(world: World, asked: PersonAsked) -> Body:
    person = world.people.get(asked.nationalId)
    if person is None:
        return UNKNOWN
    if _jalali(person.birth_on) != asked.birthDate:
        return {"found": False, "reason": "birth_date_mismatch"}
    return _record(asked.nationalId, person)


def _life(world: World, asked: CodeAsked) -> Body:
    person = world.people.get(asked.nationalId)
    if person is None:
        return UNKNOWN
    return {"found": True, "alive": person.alive, "deathDate": _jalali(person.died_on)}


def _relations(world: World, asked: CodeAsked) -> Body:
    person = world.people.get(asked.nationalId)
    if person is None:
        return UNKNOWN
    named = [("father", person.father), ("mother", person.mother), ("spouse", person.spouse)]
    named += [("child", child) for child in person.children]
    relatives = [
        {"relation": relation, **_short(code, relative)}
        for relation, code in named
        if code is not None and (relative := world.people.get(code)) is not None
    ]
    return {**_record(asked.nationalId, person), "relatives": relatives}


def _match(world: World, asked: MatchAsked) -> Body:
    person = world.people.get(asked.nationalId)
    return {"isMatched": person is not None and asked.mobileNumber in person.mobiles}


def _owner(world: World, asked: ShebaAsked) -> Body:
    account = world.accounts.get(asked.sheba)
    if account is None:
        return {"found": False}
    return {
        "found": True,
        "holderNationalId": account.holder_national_code,
        "state": account.state,
    }


def _short(code: str, person: Person) -> Body:
    return {
        "nationalId": code,
        "firstName": person.first_name,
        "lastName": person.last_name,
        "gender": person.sex,
        "birthDate": _jalali(person.birth_on),
        "alive": person.alive,
        "deathDate": _jalali(person.died_on),
        "maritalStatus": person.marital_status,
    }


def _record(code: str, person: Person) -> Body:
    return {
        "found": True,
        **_short(code, person),
        "fatherName": person.father_name,
        "birthCertificateNo": person.birth_certificate_no,
        "father": person.father,
        "mother": person.mother,
        "spouse": person.spouse,
        "children": person.children,
        "address": _address(person),
        "events": [
            {"kind": event.kind, "date": _jalali(event.on), "documentRef": event.document_ref}
            for event in person.events
        ],
    }


def _address(person: Person) -> dict[str, Any] | None:
    if person.address is None:
        return None
    return {
        "province": person.address.province,
        "county": person.address.county,
        "postalCode": person.address.postal_code,
        "text": person.address.text,
    }


def _jalali(day: date | None) -> str | None:
    return None if day is None else jalali_text(day).replace("-", "/")
