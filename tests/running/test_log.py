"""Logs hold no personal data, whoever writes them."""

import json
import logging

import pytest
import structlog

from shared.running import log
from shared.running.settings import Settings

SECRET = "0499370899"


@pytest.fixture
def lines(capsys, tmp_path):
    """Give the lines written since the last call."""
    before = logging.root.handlers[:], logging.root.level
    structlog.reset_defaults()
    log.configure(Settings(env="test", data_dir=tmp_path, run_dir=tmp_path))
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    logging.root.handlers[:], logging.root.level = before
    structlog.reset_defaults()


def fail(text):
    raise ValueError(text)


def test_only_listed_keys_are_written(lines):
    log.get_logger().info("case_moved", service="loans", step="approve", national_code=SECRET)
    (line,) = lines()
    assert line.pop("at").endswith("Z")
    assert line == {"event": "case_moved", "level": "info", "service": "loans", "step": "approve"}


@pytest.mark.parametrize(
    "value", [SECRET, "۰۴۹۹۳۷۰۸۹۹", "09121234567", "IR280170000000301000000137", f"x={SECRET};"]
)
def test_what_looks_like_a_person_is_masked_even_under_a_listed_key(lines, value):
    log.get_logger().info("asked", request_id=value)
    assert value not in json.dumps(lines()[0], ensure_ascii=False)


def test_ids_and_codes_stay_readable(lines):
    said = {
        "request_id": "0199a0c0-7b1d-7e3a-8a51-012345678901",
        "tracking_code": "SH-4K7Q0Z8M1T",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "count": 1234567890,
    }
    log.get_logger().info("asked", **said)
    assert lines()[0].items() >= said.items()


def test_an_exception_gives_its_type_and_place_but_never_its_words(lines):
    try:
        fail(f"Key (nc)=({SECRET}) already exists")
    except ValueError:
        log.get_logger().exception("request_failed")
    (line,) = lines()
    assert line["error_type"] == "ValueError"
    assert line["error_at"].startswith("running/test_log.py:")
    assert SECRET not in json.dumps(line)
    assert "already" not in json.dumps(line)


def test_a_sentence_is_no_event_and_is_not_written(lines):
    log.get_logger().info(f"Refused {SECRET} today")
    assert lines()[0]["event"] == "unnamed_event"


def test_a_library_is_quoted_by_name_only(lines):
    logging.getLogger("sqlalchemy.pool").error("lost %s", SECRET)
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    try:
        fail(SECRET)
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    first, second = lines()
    assert first["logger"] == "sqlalchemy.pool"
    assert (second["logger"], second["error_type"]) == ("uvicorn.error", "ValueError")
    assert SECRET not in json.dumps([first, second])
