"""A step as one statement: the guarded change, and every row that follows only if it happened.

Composed from the models with SQLAlchemy Core, compiled once for each shape, run by the driver.
A failed guard writes nothing; a unique violation anywhere undoes all of it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeVar

import asyncpg
from sqlalchemy import CTE, Select, Table, Text, bindparam, cast, exists, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY, Insert
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from shared.storage.db import Transaction

T = TypeVar("T")
Conflict = Literal["refuse", "skip", "replace"]
GUARD = ("id", "version", "status", "actor")
_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Row:
    """A row that rides in the step's statement.

    Where one is there already it undoes the step (`refuse`), is left out whatever is unique in it
    (`skip`), or writes its values into the row of the same primary key (`replace`).
    """

    table: Table
    values: Mapping[str, Any]
    on_conflict: Conflict = "refuse"

    def insert(self) -> Insert:
        """The same row as a statement of its own, for a path without a step."""
        statement = pg_insert(self.table).values(dict(self.values))
        return _on_conflict(statement, self.table, self.values, self.on_conflict)


def row_of(instance: Any, *, on_conflict: Conflict = "refuse") -> Row:
    """The row of a new model instance."""
    table: Table = type(instance).__table__
    state = instance.__dict__
    return Row(table, {name: state[name] for name in names_of(table) if name in state}, on_conflict)


def fresh(model: type[T], **values: Any) -> T:
    """A new model instance, for a step: the model's own constructor takes ten times as long."""
    made = model()
    made.__dict__.update(values)
    return made


@lru_cache(maxsize=256)
def names_of(table: Table) -> tuple[str, ...]:
    """The names of a table's columns: asked of SQLAlchemy once, which takes its time."""
    return tuple(column.key for column in table.columns)


@dataclass(frozen=True, slots=True)
class _Shape:
    table: Table
    new: bool
    changed: tuple[str, ...]
    duties: bool
    rows: tuple[tuple[Table, tuple[str, ...], Conflict], ...]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement, and for each of its arguments: which value it is, and how the driver takes it.

    Values are counted as `write` lists them: changed columns, guard, `not_by`, then row by row.
    """

    sql: str
    values: tuple[int, ...]
    convert: tuple[tuple[int, Callable[[Any], Any]], ...]


def _follow(at: int, table: Table, names: Sequence[str], conflict: Conflict, moved: CTE) -> CTE:
    # Binds are prefixed: a CTE bind that is named like a column fails to compile.
    values = [cast(bindparam(f"r{at}_{n}", type_=table.c[n].type), table.c[n].type) for n in names]
    statement = pg_insert(table).from_select(list(names), select(*values).select_from(moved))
    return _on_conflict(statement, table, names, conflict).cte(f"row_{at}")


def _on_conflict(
    statement: Insert, table: Table, names: Iterable[str], conflict: Conflict
) -> Insert:
    if conflict == "skip":
        return statement.on_conflict_do_nothing()
    if conflict == "replace":
        keys = [column.name for column in table.primary_key]
        rest = {n: statement.excluded[n] for n in names if n not in keys}
        return statement.on_conflict_do_update(index_elements=keys, set_=rest)
    return statement


def _move(shape: _Shape, history: Table) -> CTE:
    table = shape.table
    values = {n: bindparam(f"s_{n}", type_=table.c[n].type) for n in shape.changed}
    if shape.new:
        return insert(table).values(values).returning(table.c.version).cte("moved")
    guard = [
        table.c.id == bindparam("g_id", type_=table.c.id.type),
        table.c.version == bindparam("g_version", type_=table.c.version.type),
        table.c.status == bindparam("g_status", type_=Text),
    ]
    if shape.duties:
        guard.append(
            ~exists(
                select(history.c.version).where(
                    history.c.subject_id == bindparam("g_id", type_=table.c.id.type),
                    history.c.actor_sub == bindparam("g_actor", type_=Text),
                    history.c.step == bindparam("g_not_by", type_=ARRAY(Text)).any_(),
                )
            )
        )
    return update(table).where(*guard).values(values).returning(table.c.version).cte("moved")


@lru_cache(maxsize=512)
def _compile(shape: _Shape, history: Table) -> _Compiled:
    moved = _move(shape, history)
    rows = [_follow(at, *row, moved) for at, row in enumerate(shape.rows)]
    statement: Select[Any] = select(moved.c.version).add_cte(*rows)
    compiled = statement.compile(dialect=_DIALECT)
    names = compiled.positiontup or ()
    order = [f"s_{name}" for name in shape.changed]
    order += [] if shape.new else [f"g_{name}" for name in GUARD]
    order += ["g_not_by"]
    order += [f"r{at}_{name}" for at, row in enumerate(shape.rows) for name in row[1]]
    converters = [
        (at, bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT))
        for at, bind in enumerate(compiled.binds[name] for name in names)
    ]
    return _Compiled(
        str(compiled),
        tuple(order.index(name) for name in names),
        tuple((at, converter) for at, converter in converters if converter is not None),
    )


async def write(
    tx: Transaction,
    table: Table,
    changed: Mapping[str, Any],
    *,
    guard: Mapping[str, Any] | None,
    not_by: Sequence[str] = (),
    rows: Sequence[Row] = (),
) -> asyncpg.Record | None:
    """Run the step: None when the guard did not hold.

    `guard` is {id, version, status, actor}, or None for a row that is new. Raises what the driver
    raises, unique violations among it.
    """
    shape = _Shape(
        table,
        guard is None,
        tuple(changed),
        bool(not_by),
        tuple((row.table, tuple(row.values), row.on_conflict) for row in rows),
    )
    compiled = _compile(shape, tx.tables.history)
    given = [*changed.values(), *((guard[name] for name in GUARD) if guard else ()), list(not_by)]
    for row in rows:
        given += row.values.values()
    arguments = [given[at] for at in compiled.values]
    for at, convert in compiled.convert:
        arguments[at] = convert(arguments[at])
    return await tx.write(compiled.sql, *arguments)
