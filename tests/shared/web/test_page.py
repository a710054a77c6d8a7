"""Lists by keyset, and the version that an If-Match names."""

from typing import Annotated

import pytest
from fastapi import APIRouter, FastAPI, Query
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from shared.web import answering
from shared.web.errors import PreconditionRequired
from shared.web.page import (
    Cursor,
    InvalidCursor,
    InvalidIfMatch,
    KnownQuery,
    Limit,
    Page,
    etag,
    version_from_if_match,
)


class Filters(BaseModel):
    model_config = ConfigDict(extra="forbid")
    status: str | None = None
    limit: Limit = 50


@pytest.fixture(scope="module")
def app():
    app, router = FastAPI(), APIRouter(dependencies=[KnownQuery])
    answering.install(app)

    @router.get("/numbers")
    async def numbers(
        limit: Limit = 50,
        cursor: str | None = None,
        kind: Annotated[str, Query(alias="k-ind")] = "",  # noqa: ARG001
    ) -> Page[int]:
        start = Cursor.decode(cursor, int)[0] if cursor else 0
        found = list(range(start + 1, 121))[:limit]
        more = len(found) == limit and found[-1] < 120
        return Page(items=found, next_cursor=Cursor.encode([found[-1]]) if more else None)

    @router.get("/filtered")
    async def filtered(filters: Annotated[Filters, Query()]) -> int:
        return filters.limit

    app.include_router(router)
    return app


async def test_pages_follow_each_other_without_gap_or_repetition(ask, app):
    seen, target = [], "/numbers?limit=50"
    while True:
        page = (await ask(app, "GET", target)).json()
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        target = f"/numbers?limit=50&cursor={page['next_cursor']}"
    assert seen == list(range(1, 121))


@pytest.mark.parametrize(
    "limit", ["0", "201", "-1", "x", "1.5", "", "1.0", "%2B1", "%201", "1_0", "1e1", "%D9%A1"]
)
async def test_a_limit_outside_1_to_200_is_400(ask, app, limit):
    said = await ask(app, "GET", f"/numbers?limit={limit}")
    assert (said.status, said.json()["errors"][0]["pointer"]) == (400, "/query/limit")


@pytest.mark.parametrize("target", ["/numbers?colour=1", "/filtered?colour=1", "/numbers?kind=1"])
async def test_an_unknown_filter_is_400_and_never_the_whole_table(ask, app, target):
    said = await ask(app, "GET", target)
    assert (said.status, said.json()["code"]) == (400, "invalid_query")


@pytest.mark.parametrize("target", ["/numbers?k-ind=1", "/filtered?status=x&limit=7", "/numbers"])
async def test_known_filters_pass(ask, app, target):
    assert (await ask(app, "GET", target)).status == 200


@given(st.lists(st.integers(-(2**62), 2**62) | st.text(max_size=40), min_size=1, max_size=4))
def test_a_cursor_gives_its_key_back(key):
    key = [value.replace("\x00", "") if isinstance(value, str) else value for value in key]
    assert Cursor.decode(Cursor.encode(key), *(type(value) for value in key)) == key


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "!",
        "AAAA",
        "é",
        Cursor.encode(["1"]),
        Cursor.encode([1, 2]),
        Cursor.encode([2**63]),
        Cursor.encode([True]),
        "W" * 2000,
        "MQ",
    ],
)
def test_a_cursor_that_is_none_of_ours_is_refused(cursor):
    with pytest.raises(InvalidCursor):
        Cursor.decode(cursor, int)


def test_a_cursor_with_nul_is_refused():
    with pytest.raises(InvalidCursor):
        Cursor.decode(Cursor.encode(["a\x00"]), str)


async def test_a_bad_cursor_is_400(ask, app):
    said = await ask(app, "GET", "/numbers?cursor=nonsense")
    assert (said.status, said.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize(
    ("headers", "version"), [({"if-match": '"7"'}, 7), ({"if-match": "*"}, None), ({}, None)]
)
def test_if_match_names_a_version(headers, version):
    assert version_from_if_match(headers) == version


def test_an_etag_is_what_if_match_reads():
    assert version_from_if_match({"if-match": etag(12)}) == 12


@pytest.mark.parametrize(
    "given_tag", ["7", 'W/"7"', '"7", "8"', '""', '"۷"', '"' + "9" * 30 + '"', ""]
)
def test_another_if_match_is_400(given_tag):
    with pytest.raises(InvalidIfMatch):
        version_from_if_match({"if-match": given_tag})


def test_where_if_match_is_required_its_absence_is_428():
    with pytest.raises(PreconditionRequired):
        version_from_if_match({}, required=True)
    assert version_from_if_match({"if-match": "*"}, required=True) is None
