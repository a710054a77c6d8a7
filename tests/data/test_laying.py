"""A million households in small: always the same ones, valid, sealed, and payable."""

import asyncio
from collections import Counter
from itertools import islice

import asyncpg
import pytest

from deploy.bench.people import national_codes
from deploy.data.__main__ import made_ready
from deploy.data.households import BANKS, household
from deploy.data.laying import Order, areas, lay
from deploy.data.rows import award_id
from shared.running.embedded import temporary
from shared.running.settings import Settings
from shared.storage.encryption import Crypto
from shared.values.identifiers import bank_code, parse_national_code, parse_postal_code, parse_sheba

SEED, MANY = 41, 60


def laid(settings, number=MANY):
    heard = []
    lay(Order(settings, SEED, number), workers=1, laid=heard.append)
    return sum(heard)


def test_a_number_is_always_the_same_household():
    known = areas()
    assert household(SEED, 7, known) == household(SEED, 7, known)
    assert household(SEED, 7, known) != household(SEED + 1, 7, known)


def test_every_code_and_account_is_valid_and_nobody_is_there_twice():
    known = areas()
    found = [household(SEED, number, known) for number in range(2_000)]
    people = [member for one in found for member in one.members]
    codes = [member.record.national_code for member in people]
    assert len(set(codes)) == len(codes) == len({member.id for member in people})
    assert [parse_national_code(code) for code in codes] == codes
    assert not {code for code in codes if code.startswith("0")}
    assert {code[0] for code in islice(national_codes(5), 2_000)} == {"0"}
    assert {parse_sheba(one.sheba) == one.sheba for one in found} == {True}
    assert {bank_code(one.sheba) for one in found} <= set(BANKS.things)
    assert {parse_postal_code(one.postal_code) == one.postal_code for one in found} == {True}


def test_households_are_spread_as_in_a_country():
    found = [household(SEED, number, areas()) for number in range(3_000)]
    sizes = Counter(len(one.members) for one in found)
    assert sizes[1] > sizes[2] > sizes[4] > sizes[7] > 0
    assert len({one.area.province for one in found}) == 31
    assert {one.reason for one in found} == {"elderly", "disabled", "no_head", "illness", "other"}


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """A database of its own: households that are paid for ever would be in other tests' months."""
    place = tmp_path_factory.mktemp("laid")
    with temporary() as server:
        made = Settings(
            _env_file=None,
            env="test",
            data_dir=place / "data",
            run_dir=place / "run",
            database_url=server.dsn,
        )
        asyncio.run(made_ready(made))
        yield made


@pytest.fixture
async def eye(installation):
    connection = await asyncpg.connect(installation.database_url)
    yield connection
    await connection.close()


def test_a_batch_that_is_there_is_left_alone(installation):
    assert laid(installation) == MANY
    assert laid(installation) == MANY


async def test_what_was_laid_is_sealed_covered_and_payable(installation, eye):
    one = household(SEED, 3, areas())
    award = await eye.fetchrow(
        "SELECT a.*, c.province, c.office_code, p.sheba FROM livelihood.award a"
        ' JOIN livelihood."case" c ON c.id = a.case_id'
        " JOIN livelihood.payee_account p ON p.id = a.payee_account_id WHERE a.id = $1",
        award_id(SEED, 3),
    )
    assert (award["covered_size"], award["status"]) == (len(one.members), "active")
    assert (award["province"], award["office_code"]) == (one.area.province, one.area.office_code)
    place = {"table": "livelihood.payee_account", "column": "sheba"}
    opened = Crypto(installation.keys_dir, "livelihood").open_json(
        award["sheba"], row=award["payee_account_id"], **place
    )
    assert opened == one.sheba
    covered = await eye.fetchval(
        "SELECT count(*) FROM intake.covered_person c JOIN intake.membership m"
        " USING (person_id) WHERE m.household_id = $1",
        one.id,
    )
    head = await eye.fetchrow("SELECT * FROM intake.person WHERE id = $1", one.members[0].id)
    code = Crypto(installation.keys_dir, "intake").open(
        head["code"], table="intake.person", column="code", row=head["id"]
    )
    assert (covered, code) == (len(one.members), one.members[0].record.national_code)
