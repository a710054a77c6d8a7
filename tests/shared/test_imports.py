"""Files as they come: a line is a row or a fault of that line, and the next one is read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.imports import LONGEST_LINE, BadFile, faults_of, lines, source_of
from shared.values.identifiers import NationalCode


def written(tmp_path, data: bytes):
    file = tmp_path / "file"
    file.write_bytes(data)
    return file


def rows(file):
    return [(line.number, line.row) for line in lines(file)]


def test_columns_are_named_by_the_first_line_and_empty_cells_are_not_there(tmp_path):
    file = written(tmp_path, '\ufeffhead, name\r\n1,"a, b"\r\n\r\n2,\r\n'.encode())
    assert rows(file) == [(2, {"head": "1", "name": "a, b"}), (4, {"head": "2"})]


def test_objects_are_rows_and_numbered_as_they_stand(tmp_path):
    file = written(tmp_path, b'{"head": "1"}\n\n{"head": ["2"]}\n')
    assert rows(file) == [(1, {"head": "1"}), (3, {"head": ["2"]})]


@pytest.mark.parametrize(
    "bad",
    [
        b'{"a": 1, "a": 2}',
        b"[1]",
        b"{" * 5_000,
        b'{"a": NaN}',
        b'{"a": "\\ud800"}',
        b'{"a": ',
        b"\xff\xfe",
        b'{"a": "' + b"x" * (3 * LONGEST_LINE) + b'"}',
        b"\x00",
    ],
)
def test_a_line_that_cannot_be_read_does_not_hide_the_next(tmp_path, bad):
    file = written(tmp_path, b'{"n": 1}\n' + bad + b'\n{"n": 3}')
    found = rows(file)
    assert (found[0], found[-1]) == ((1, {"n": 1}), (3, {"n": 3}))
    assert all(row is None for number, row in found if number == 2)


@pytest.mark.parametrize("bad", [b"1", b"1,2,3", b'"1', b"\xff,2", b"x" * (2 * LONGEST_LINE)])
def test_a_line_of_cells_that_do_not_fit_is_that_lines_fault(tmp_path, bad):
    found = rows(written(tmp_path, b"a,b\n1,2\n" + bad + b"\n3,4\n"))
    assert found == [(2, {"a": "1", "b": "2"}), (3, None), (4, {"a": "3", "b": "4"})]


@pytest.mark.parametrize("head", [b"a,a", b"a,,b", b",", b"\xff", b'"a'])
def test_a_file_whose_columns_have_no_names_is_no_file(tmp_path, head):
    with pytest.raises(BadFile):
        rows(written(tmp_path, head + b"\n1,2\n"))


@given(st.lists(st.dictionaries(st.text(min_size=1), st.text()), max_size=20))
def test_what_was_written_is_what_is_read(tmp_path_factory, given_rows):
    file = tmp_path_factory.mktemp("in") / "rows"
    file.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in given_rows))
    assert [row for _, row in rows(file)] == given_rows


@given(st.binary(max_size=400))
def test_whatever_the_bytes_every_line_is_a_row_or_a_fault_or_the_file_is_refused(
    tmp_path_factory, data
):
    file = tmp_path_factory.mktemp("in") / "bytes"
    file.write_bytes(data)
    try:
        found = rows(file)
    except BadFile:
        return
    numbers = [number for number, _ in found]
    assert numbers == sorted(set(numbers))
    assert all(row is None or isinstance(row, dict) for _, row in found)


class Someone(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    code: NationalCode


def test_a_fault_has_the_place_and_the_code_and_not_a_word_of_the_line():
    with pytest.raises(ValidationError) as refused:
        Someone.model_validate_json('{"code": "1234567890", "secret_column": "Shahla"}')
    assert sorted(faults_of(refused.value)) == [("", "extra_forbidden"), ("/code", "national_code")]


def test_a_file_is_known_by_what_is_in_it(tmp_path):
    one, other = written(tmp_path, b"a\n1\n"), tmp_path / "other"
    before = source_of(one)
    other.write_bytes(b"a\n1\n")
    assert source_of(other) == before
    other.write_bytes(b"a\n2\n")
    assert source_of(other) != before
