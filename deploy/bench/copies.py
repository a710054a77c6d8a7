"""Many rows like one that the application wrote: numbered ids, tracking codes and indexes of their
own, sealed fields sealed anew to their row.
"""

import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from shared.storage.encryption import Crypto
from shared.values.identifiers import new_tracking_code


def numbered_id(number: int) -> UUID:
    """The id of the row of this number, as `floor.NUMBERED` writes it in SQL."""
    return UUID(f"00000000-0000-7000-8000-{number:012x}")


async def copy_case(
    owner: asyncpg.Connection,
    crypto: Crypto,
    table: str,
    tracking_code: str,
    *,
    count: int,
    sealed: Sequence[str] = (),
    unique: Sequence[str] = (),
) -> list[str]:
    """Write `count` copies of a case with its history; returns their tracking codes by number.

    `sealed` columns are opened by the route that is measured; `unique` are blind indexes.
    """
    schema, name = table.split(".")
    row = await owner.fetchrow(
        f'SELECT * FROM "{schema}"."{name}" WHERE tracking_code = $1',  # noqa: S608 - our own names
        tracking_code,
    )
    past = await owner.fetch(
        f'SELECT * FROM "{schema}".history WHERE subject_id = $1',  # noqa: S608 - our own names
        row["id"],
    )
    opened = {
        column: crypto.open_bytes(row[column], table=table, column=column, row=row["id"])
        for column in sealed
    }
    rows, histories, codes = [], [], []
    for number in range(count):
        row_id, code = numbered_id(number), new_tracking_code(secrets.token_bytes(6))
        fresh: dict[str, Any] = {"id": row_id, "tracking_code": code}
        for column in sealed:
            fresh[column] = crypto.seal(opened[column], table=table, column=column, row=row_id)
        fresh |= {column: secrets.token_bytes(len(row[column])) for column in unique}
        rows.append(tuple((dict(row) | fresh).values()))
        histories += [tuple((dict(step) | {"subject_id": row_id}).values()) for step in past]
        codes.append(code)
    await owner.copy_records_to_table(
        name, schema_name=schema, records=rows, columns=list(row.keys())
    )
    await owner.copy_records_to_table(
        "history", schema_name=schema, records=histories, columns=list(past[0].keys())
    )
    await owner.execute(f'ANALYZE "{schema}"."{name}", "{schema}".history')
    return codes
