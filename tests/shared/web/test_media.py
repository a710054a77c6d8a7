"""Which of our forms an Accept header asks for."""

import pytest
from starlette.requests import Request

from shared.web.media import CSV, JSON, PDF, wanted


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("text/html", JSON),
        ("text/csv", CSV),
        ("TEXT/CSV; header=present", CSV),
        ("application/pdf", PDF),
        ("application/pdf, */*;q=0.8", PDF),
        ("text/csv;q=0.5, application/pdf;q=0.9", PDF),
        ("text/csv;q=0.5, application/json", JSON),
        ("text/csv, application/json", JSON),
        ("text/csv;q=0", JSON),
        ("text/csv;q=x", JSON),
        ("text/csv;q=²", JSON),
        ("text/csv;q=1.0;q=", CSV),
        ("text/*", JSON),
        (",;,", JSON),
    ],
)
def test_the_form_that_is_liked_best(accept, form):
    headers = [] if accept is None else [(b"accept", accept.encode())]
    assert wanted(Request({"type": "http", "headers": headers}), CSV, PDF) == form
