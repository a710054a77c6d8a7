"""Sealed fields open only where they belong, and only with keys that are kept apart."""

import json
import stat
import threading
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.storage.encryption import Crypto, KeysMissing, SealBroken
from shared.storage.keyring import create_once

CODE = "0499370899"
PLACE = {"table": "person", "column": "national_code"}
ROW = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


@pytest.fixture
def keys(tmp_path):
    return tmp_path / "keys"


@pytest.fixture
def crypto(keys):
    return Crypto(keys, "intake", may_create=True)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    return Crypto(tmp_path_factory.mktemp("keys"), "intake", may_create=True)


@pytest.mark.req("X-10")
@given(text=st.text(), row=st.uuids())
def test_what_was_sealed_opens_in_its_place(lasting, text, row):
    text = text.encode(errors="ignore").decode()
    sealed = lasting.seal(text, **PLACE, row=row)
    assert lasting.open(sealed, **PLACE, row=row) == text


@pytest.mark.req("X-10")
def test_the_sealed_field_shows_nothing_and_is_never_the_same_twice(crypto):
    first, second = (crypto.seal(CODE, **PLACE, row=ROW) for _ in range(2))
    assert CODE.encode() not in first
    assert first != second


@pytest.mark.parametrize(
    "moved",
    [
        {"row": uuid4()},
        {"column": "mobile"},
        {"table": "household"},
    ],
)
def test_a_field_moved_to_another_row_column_or_table_does_not_open(crypto, moved):
    place = {**PLACE, "row": ROW}
    sealed = crypto.seal(CODE, **place)
    with pytest.raises(SealBroken):
        crypto.open(sealed, **{**place, **moved})


def test_column_and_row_cannot_run_into_each_other(crypto):
    sealed = crypto.seal(CODE, table="t", column="a", row="bc")
    with pytest.raises(SealBroken):
        crypto.open(sealed, table="t", column="ab", row="c")


def test_a_table_is_the_same_with_and_without_its_schema(crypto):
    sealed = crypto.seal(CODE, table="intake.person", column="national_code", row=ROW)
    assert crypto.open(sealed, **PLACE, row=ROW) == CODE


def test_another_service_cannot_open_it(crypto, keys):
    sealed = crypto.seal(CODE, **PLACE, row=ROW)
    with pytest.raises(SealBroken):
        Crypto(keys, "loans", may_create=True).open(sealed, **PLACE, row=ROW)


def test_every_single_changed_byte_is_noticed(crypto):
    sealed = crypto.seal(CODE, **PLACE, row=ROW)
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises((SealBroken, KeysMissing)):
            crypto.open(bytes(changed), **PLACE, row=ROW)
    for length in range(len(sealed)):
        with pytest.raises((SealBroken, KeysMissing)):
            crypto.open(sealed[:length], **PLACE, row=ROW)


def test_a_key_name_in_a_row_is_never_a_path(crypto, keys):
    create_once(keys / "stolen.key", "00" * 32)
    name = b"../stolen"
    forged = b"\x01" + bytes([len(name)]) + name + bytes(40)
    with pytest.raises(SealBroken):
        crypto.open(forged, **PLACE, row=ROW)


def test_json_is_sealed_as_one_field(crypto):
    value = {"نام": "زهرا", "members": [1, 2], "none": None}
    sealed = crypto.seal_json(value, **PLACE, row=ROW)
    assert crypto.open_json(sealed, **PLACE, row=ROW) == value
    with pytest.raises(ValueError, match="JSON"):
        crypto.seal_json(float("nan"), **PLACE, row=ROW)


def test_bytes_come_back_as_bytes(crypto):
    body = b'{"\xff'
    assert crypto.open_bytes(crypto.seal(body, **PLACE, row=ROW), **PLACE, row=ROW) == body


@pytest.mark.req("X-10")
def test_the_blind_index_is_the_agencys_and_does_not_show_the_value(crypto, keys):
    loans = Crypto(keys, "loans", may_create=True)
    assert crypto.index(CODE) == loans.index(CODE)
    assert crypto.index(CODE) != crypto.index("0013542419")
    assert len(crypto.index(CODE)) == 17
    stranger = Crypto(keys.with_name("other"), "intake", may_create=True)
    assert crypto.index(CODE) != stranger.index(CODE)


def test_a_new_index_key_is_found_beside_the_old_one(crypto, keys):
    before, person = crypto.index(CODE), crypto.pseudonym(ROW)
    path = keys / "index.key"
    path.write_text(path.read_text() + f"2 {'ab' * 32}\n")
    after = Crypto(keys, "intake")
    assert after.index(CODE) != before
    assert after.indexes(CODE) == [after.index(CODE), before]
    assert after.pseudonyms(ROW) == [after.pseudonym(ROW), person]


def test_a_pseudonym_is_neither_the_person_nor_the_index(crypto):
    assert crypto.pseudonym(ROW) == crypto.pseudonym(str(ROW))
    assert str(ROW) not in crypto.pseudonym(ROW)
    assert crypto.index(str(ROW))[1:].hex() not in crypto.pseudonym(ROW)


@pytest.mark.usefixtures("crypto")
def test_keys_are_read_by_their_owner_only(keys):
    files = [path for path in keys.rglob("*") if path.is_file()]
    assert len(files) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_without_keys_nothing_is_made_in_silence(keys):
    with pytest.raises(KeysMissing, match="put the escrowed keys back"):
        Crypto(keys, "intake")
    assert not keys.exists()


@pytest.mark.usefixtures("crypto")
def test_a_lost_index_key_is_not_replaced_beside_data_keys(keys):
    (keys / "index.key").unlink()
    with pytest.raises(KeysMissing, match="index key"):
        Crypto(keys, "intake", may_create=True)


def test_a_service_whose_keys_are_lost_does_not_start_on_new_ones(crypto, keys):
    assert crypto.service == "intake"
    with pytest.raises(KeysMissing, match="loans"):
        Crypto(keys, "loans")


def test_the_new_year_seals_under_a_key_of_its_own(crypto, keys):
    old = crypto.seal(CODE, **PLACE, row=ROW)
    later = Crypto(keys, "intake", may_create=True, year=lambda: 2099)
    assert later.stale(old)
    assert not later.stale(later.seal(CODE, **PLACE, row=ROW))
    assert later.open(old, **PLACE, row=ROW) == CODE
    assert (keys / "data" / "intake-2099.key").exists()


def test_a_new_year_without_its_key_does_not_stop_production(crypto, keys):
    old = crypto.seal(CODE, **PLACE, row=ROW)
    later = Crypto(keys, "intake", year=lambda: 2099)
    assert not later.stale(old)
    assert later.open(later.seal(CODE, **PLACE, row=ROW), **PLACE, row=ROW) == CODE


def test_a_key_made_ahead_is_not_used_before_its_year(crypto, keys):
    create_once(keys / "data" / "intake-2099.key", "00" * 32)
    crypto.refresh()
    assert b"2099" not in crypto.seal(CODE, **PLACE, row=ROW)[:20]


def test_a_rotated_key_is_taken_up_while_reads_go_on(crypto, keys):
    reader = Crypto(keys, "intake")
    old = crypto.seal(CODE, **PLACE, row=ROW)
    name = crypto.rotate()
    new = crypto.seal(CODE, **PLACE, row=ROW)
    assert name.encode() in new
    assert crypto.stale(old)
    assert [reader.open(field, **PLACE, row=ROW) for field in (old, new)] == [CODE, CODE]
    assert crypto.rotate() != name


def test_destroying_a_key_destroys_what_it_sealed(crypto, keys):
    old = crypto.seal(CODE, **PLACE, row=ROW)
    first = next((keys / "data").iterdir())
    crypto.rotate()
    first.unlink()
    crypto.refresh()
    with pytest.raises(KeysMissing):
        crypto.open(old, **PLACE, row=ROW)
    assert crypto.open(crypto.seal(CODE, **PLACE, row=ROW), **PLACE, row=ROW) == CODE


def test_rivals_that_start_together_end_with_one_key(keys):
    found, barrier = [], threading.Barrier(8)

    def start():
        barrier.wait()
        found.append(Crypto(keys, "intake", may_create=True))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({crypto.index(CODE) for crypto in found}) == 1
    sealed = [crypto.seal(json.dumps(at), **PLACE, row=at) for at, crypto in enumerate(found)]
    assert [found[0].open(field, **PLACE, row=at) for at, field in enumerate(sealed)] == list(
        "01234567"
    )
