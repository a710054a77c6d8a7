"""Amounts are whole Rials everywhere: in every answer, every body and every column (X-02)."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import BigInteger

from shared.running.runner import load

SERVICES, CREATE = load()


def properties(schema: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every named property of a JSON schema, at any depth."""
    if isinstance(schema, dict):
        for key, value in (schema.get("properties") or {}).items():
            yield key, value
            yield from properties(value, key)
        for key, value in schema.items():
            if key != "properties":
                yield from properties(value, name)
    elif isinstance(schema, list):
        for value in schema:
            yield from properties(value, name)


def kinds(schema: dict[str, Any]) -> set[str]:
    """The JSON types that a property may have."""
    choices = schema.get("anyOf") or [schema]
    return {choice.get("type", "?") for choice in choices} - {"null"}


@pytest.mark.req("X-02")
def test_every_amount_in_the_documents_is_an_integer_of_rials(settings):
    seen = 0
    for name, create in CREATE.items():
        document = create(settings).openapi()
        for key, schema in properties(document):
            assert "toman" not in key, f"{name}: {key}"
            if key.endswith("_rial"):
                seen += 1
                assert kinds(schema) <= {"integer", "object"}, f"{name}: {key} {schema}"
            if "amount" in key or "price" in key:
                assert key.endswith("_rial"), f"{name}: {key} does not say its unit"
    assert seen >= 3


@pytest.mark.req("X-02")
def test_every_amount_in_the_database_is_a_bigint():
    amounts = [
        column
        for service in SERVICES
        for table in service.metadata.tables.values()
        for column in table.columns
        if column.name.endswith("_rial")
    ]
    assert amounts
    assert all(isinstance(column.type, BigInteger) for column in amounts)
