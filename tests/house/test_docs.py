"""Pages that speak of the code: drawn pages are current, and what they name is there."""

import re
from pathlib import Path

import pytest

from docs import workflows

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if path.name != "workflows.md"
)
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
ROOM = re.compile(
    r"`((?:shared|services|deploy|docs|tests)/[\w./<>*-]+\.(?:py|json|txt|sh|sql|md|toml)|Makefile)`"
)
CALL = re.compile(r"(?:localhost:8000|(?:GET|POST|PUT|PATCH)\s+)(/v1/[\w/{}$.-]+)")


def pages():
    return pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def test_the_workflows_page_is_drawn_from_the_tables_of_today():
    drawn = workflows.page()
    assert drawn.count("stateDiagram-v2") == len(workflows.workflows()) > 6
    assert workflows.PAGE.read_text(encoding="utf-8") == drawn, "run `make docs`"


@pages()
def test_what_a_page_links_to_or_names_is_there(page):
    text = page.read_text(encoding="utf-8")
    for link in LINK.findall(text):
        assert (page.parent / link).exists(), link
    for room in ROOM.findall(text):
        if "<" not in room:
            assert list(ROOT.glob(room)), room


async def test_every_call_that_an_integrators_page_makes_is_in_the_api(agency):
    answer = await agency.http.get("/openapi.json")
    known = [re.compile(re.sub(r"{\w+}", "[^/]+", path)) for path in answer.json()["paths"]]
    called = {
        (page.name, path.rstrip("."))
        for page in (*(ROOT / "docs" / "integrators").glob("*.md"), ROOT / "README.md")
        for path in CALL.findall(page.read_text(encoding="utf-8"))
    }
    assert len(called) > 10
    for page, path in sorted(called):
        assert any(pattern.fullmatch(path) for pattern in known), (page, path)
