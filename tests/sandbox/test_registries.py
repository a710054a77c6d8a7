"""What the registries answer, and that the world can be rewritten but not misspelt."""

import json
from pathlib import Path

import pytest

from deploy.sandbox.world import DEMO
from shared.values.identifiers import parse_national_code, parse_sheba

WIDOW = "0499370899"
HER_HUSBAND = "0053247183"


def test_a_person_is_known_by_code_and_birth_date_together(sandbox):
    asked = {"nationalId": WIDOW, "birthDate": "1359/12/11"}
    found = sandbox.post("/civil-registry/v1/person", asked).json()
    assert found["found"] is True
    assert (found["firstName"], found["lastName"]) == ("زهرا", "کریمی")
    assert (found["maritalStatus"], found["spouse"]) == ("widowed", HER_HUSBAND)
    assert found["events"] == [
        {"kind": "death", "date": "1401/07/12", "documentRef": "D-1401-7712"}
    ]

    wrong = sandbox.post("/civil-registry/v1/person", {**asked, "birthDate": "1359/12/12"})
    assert wrong.json() == {"found": False, "reason": "birth_date_mismatch"}
    nobody = sandbox.post("/civil-registry/v1/person", {**asked, "nationalId": "0123456789"})
    assert nobody.json() == {"found": False, "reason": "unknown_national_id"}


def test_relations_need_no_birth_date_and_name_the_relatives(sandbox):
    found = sandbox.post("/civil-registry/v1/relations", {"nationalId": WIDOW}).json()
    relatives = [(one["relation"], one["gender"], one["alive"]) for one in found["relatives"]]
    assert relatives == [
        ("spouse", "male", False),
        ("child", "female", True),
        ("child", "male", True),
    ]


def test_life_status_tells_the_day_of_death(sandbox):
    dead = sandbox.post("/civil-registry/v1/life-status", {"nationalId": HER_HUSBAND}).json()
    assert dead == {"found": True, "alive": False, "deathDate": "1401/07/12"}


def test_shahkar_matches_a_mobile_with_its_owner_only(sandbox):
    def match(code, mobile):
        body = {"nationalId": code, "mobileNumber": mobile}
        return sandbox.post("/shahkar/v1/match", body).json()

    assert match(WIDOW, "09121234567") == {"isMatched": True}
    assert match(WIDOW, "09121234568") == {"isMatched": False}
    assert match("0123456789", "09121234567") == {"isMatched": False}


def test_the_central_bank_names_the_holder(sandbox):
    accounts = json.loads(DEMO.read_text(encoding="utf-8"))["accounts"]
    hers = {
        account["state"]: sheba
        for sheba, account in accounts.items()
        if account["holder_national_code"] == WIDOW
    }
    for state in ("open", "closed"):
        answer = sandbox.post("/central-bank/v1/sheba-owner", {"sheba": hers[state]}).json()
        assert answer == {"found": True, "holderNationalId": WIDOW, "state": state}
    unknown = sandbox.post("/central-bank/v1/sheba-owner", {"sheba": "IR820540102680020817909002"})
    assert unknown.json() == {"found": False}


def test_an_unreadable_request_is_refused_and_journalled(sandbox):
    before = len(sandbox.journal("shahkar", "request"))
    for body in (b"{", b"[]", b'{"nationalId": 499370899}', b'{"a": NaN}', b"\xff"):
        refused = sandbox.http.post("/shahkar/v1/match", content=body)
        assert (refused.status_code, refused.json()["error"]["class"]) == (422, "permanent")
    assert len(sandbox.journal("shahkar", "request")) == before + 5


def test_a_rewritten_world_outlives_a_kill(run_sandbox):
    sandbox = run_sandbox()
    code, sheba = "0123456789", "IR820540102680020817909002"
    person = {
        "first_name": "نگار",
        "last_name": "امینی",
        "sex": "female",
        "birth_on": "2000-03-20",
        "mobiles": ["09351112233"],
        "address": {"province": "تهران"},
        "events": [{"kind": "divorce", "on": "2024-01-01"}],
    }
    heirs = {"status": "holder", "nominal_rial": 10_000_000, "heirs": [WIDOW]}
    for path, body in (
        (f"/people/{code}", person),
        (f"/welfare/{code}", {"decile": 4, "monthly_income_rial": 1, "members": [code]}),
        (f"/conscription/{code}", {"status": "exempt_temporary"}),
        (f"/accounts/{sheba}", {"holder_national_code": code, "state": "closed"}),
        (f"/shares/{code}", heirs),
    ):
        assert sandbox.put(path, body).status_code == 200, path
    sandbox.put(f"/people/{code}", {**person, "alive": False, "died_on": "2026-01-01"})
    kept = [
        sandbox.http.get(f"/{kind}/{code}").json()
        for kind in ("people", "welfare", "conscription", "shares")
    ]
    sandbox.kill()
    sandbox.start()

    assert kept == [
        sandbox.http.get(f"/{kind}/{code}").json()
        for kind in ("people", "welfare", "conscription", "shares")
    ]
    assert kept[0]["died_on"] == "2026-01-01"
    asked = {"nationalId": code, "birthDate": "1379/01/01"}
    assert sandbox.post("/civil-registry/v1/person", asked).json()["alive"] is False
    answer = sandbox.post("/central-bank/v1/sheba-owner", {"sheba": sheba}).json()
    assert answer == {"found": True, "holderNationalId": code, "state": "closed"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/people/0123456788", {}),
        ("/people/1111111111", {"decile": 1}),
        ("/people/0123456789", {"first_name": "x", "last_name": "y", "sex": "male"}),
        ("/conscription/0123456789", {"status": "hiding"}),
        ("/welfare/0123456789", {"decile": 11}),
        ("/welfare/0123456789", {"decile": 1, "monthly_income_rial": 1.5}),
        ("/welfare/0123456789", {"decile": True}),
        ("/accounts/IR820540102680020817909003", {"holder_national_code": WIDOW}),
        ("/shares/0123456789", {"status": "holder", "unknown": 1}),
        ("/faults/shahkar", {"mode": "sulking"}),
        ("/faults/shahkar", {"mode": "ok", "rate": 1.1}),
    ],
)
def test_what_is_not_understood_is_refused(sandbox, path, body):
    refused = sandbox.put(path, body)
    assert refused.status_code == 422
    assert refused.json()["detail"] == "invalid_input"


def test_an_unknown_party_is_404(sandbox):
    assert sandbox.put("/faults/nobody", {"mode": "ok"}).status_code == 404


def test_the_demo_world_is_consistent():
    demo = json.loads(Path(DEMO).read_text(encoding="utf-8"))
    people = demo["people"]
    assert len(people) >= 12
    for code, person in people.items():
        assert parse_national_code(code) == code
        for parent in (person.get("father"), person.get("mother")):
            assert parent is None or code in people[parent]["children"]
        for child in person.get("children", []):
            assert code in (people[child]["father"], people[child]["mother"])
        spouse = person.get("spouse")
        assert spouse is None or people[spouse]["spouse"] == code
    for sheba, account in demo["accounts"].items():
        assert parse_sheba(sheba) == sheba
        assert account["holder_national_code"] in people
    for kind in ("welfare", "conscription", "shares"):
        assert demo[kind].keys() <= people.keys()
