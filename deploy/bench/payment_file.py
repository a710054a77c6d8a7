"""B6: a payment file of a million rows, written in a process of its own as the service writes it.

`python -m deploy.bench.payment_file ROWS DIR` prints its figures as JSON. Rows are formatted from
what is decrypted already; decryption, and the whole way into the sealed store, stand beside it.
"""

import hashlib
import json
import resource
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from itertools import chain, count, islice
from pathlib import Path
from typing import Any
from uuid import UUID

from deploy.bench.stage import ROOT, BenchFault
from services.livelihood.runs.files import pain001, store
from shared.running.settings import Settings
from shared.storage.db import Runtime
from shared.storage.tables import service_metadata

BATCH = 2_000
FILE = UUID(int=6)
SEALED = {"table": "livelihood.payee_account", "column": "sheba"}
AMOUNT = 13_912_080


def measured(rows: int, place: Path) -> dict[str, float]:
    """Start the process that writes the file; its memory is its own. Raises BenchFault."""
    done = subprocess.run(  # noqa: S603 - this very module
        [sys.executable, "-m", "deploy.bench.payment_file", str(rows), str(place)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    if done.returncode != 0:
        raise BenchFault(f"the payment file failed: {done.stderr.strip()[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    rows, place = int(sys.argv[1]), Path(sys.argv[2])
    before = memory_mib()
    formatted = processor_time(lambda: write_plain(rows, place / "plain.xml"))
    plain = memory_mib()
    opened = processor_time(lambda: decrypt(min(rows, 100_000), place))
    sealed = processor_time(lambda: write_sealed(rows, place))
    after = memory_mib()
    check(rows, place / "plain.xml")
    print(
        json.dumps(
            {
                "rows_per_cpu_s": rows / formatted,
                "opened_per_cpu_s": min(rows, 100_000) / opened,
                "sealed_rows_per_cpu_s": rows / sealed,
                "start_mib": before,
                "plain_peak_mib": plain,
                "peak_mib": after,
            }
        )
    )


def order(rows: int) -> pain001.Order:
    return pain001.Order(
        file_id=FILE,
        run_id=UUID(int=5),
        bank_code="017",
        rows=rows,
        amount_rial=rows * AMOUNT,
        made_at=datetime(2026, 11, 22, tzinfo=UTC),
        execute_on=date(2026, 11, 23),
        payer_name="Relief & Help",
        payer_sheba="IR820540102680020817909002",
    )


def decrypted() -> Iterator[pain001.Row]:
    """Rows without end, as they are once their accounts are opened."""
    for number in count():
        yield pain001.Row(f"{number:032x}", AMOUNT, f"IR820170{number:018d}", "1405-08")


def batches(rows: int) -> Iterator[list[pain001.Row]]:
    source = islice(decrypted(), rows)
    while batch := list(islice(source, BATCH)):
        yield batch


def write_plain(rows: int, file: Path) -> None:
    """Text, hash and disk: what is said of the rows per second of processor time."""
    given, found = order(rows), hashlib.sha256()
    with file.open("wb") as out:
        bodies = map(given.body, batches(rows))
        for part in chain([given.head()], bodies, [given.tail()]):
            found.update(part)
            out.write(part)


def write_sealed(rows: int, place: Path) -> None:
    """The way that the service goes, into its store."""
    given = order(rows)
    writer = store.Writer(runtime(place), FILE, "payments/bench")
    writer.write(given.head())
    for batch in batches(rows):
        writer.write(given.body(batch))
    writer.write(given.tail(), last=True)
    writer.close()


def decrypt(rows: int, place: Path) -> None:
    """Open as many sealed accounts; one is opened again and again."""
    crypto = runtime(place).crypto
    sealed = crypto.seal_json("IR820540102680020817909002", row=FILE, **SEALED)
    for _ in range(rows):
        crypto.open_json(sealed, row=FILE, **SEALED)


def runtime(place: Path) -> Runtime:
    """A service's keys and store in a folder of the bench, nothing else of it."""
    settings = Settings(_env_file=None, env="test", data_dir=place, run_dir=place)
    return Runtime(settings, service="livelihood", metadata=service_metadata("livelihood"))


def check(rows: int, file: Path) -> None:
    """The file is whole: so many credits, and their sum is what its head says."""
    found = total = 0
    for _, element in ET.iterparse(file):  # noqa: S314 - of our own making
        if element.tag.endswith("}InstdAmt"):
            found, total = found + 1, total + int(element.text or 0)
        if element.tag.endswith("}CdtTrfTxInf"):
            element.clear()
    if (found, total) != (rows, rows * AMOUNT):
        raise BenchFault("the payment file is not whole")


def processor_time(work: Callable[[], Any]) -> float:
    began = resource.getrusage(resource.RUSAGE_SELF)
    work()
    ended = resource.getrusage(resource.RUSAGE_SELF)
    return ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime


def memory_mib() -> float:
    """The most that this process has held so far."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
