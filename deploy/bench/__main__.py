"""`python -m deploy.bench [--quick]`: measure, print the table, keep the evidence.

It ends with 1 when a figure could not be taken, never because a target was missed: the figures
of a busy machine are for people to judge.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from deploy.bench import payment_file
from deploy.bench.aged import AGED_ROUNDS, EACH, Aged, aged
from deploy.bench.aged import MONTHS as MONTHS_OF_AGE
from deploy.bench.broadcast import Queued, queued
from deploy.bench.payroll import Paid, paid
from deploy.bench.ready import Ready, ready
from deploy.bench.relay import Relayed, relayed
from deploy.bench.report import Line, table, write
from deploy.bench.stage import BenchFault, Stage, installation, stage
from deploy.bench.work import Figures, Sizes, compare, works
from shared.running.embedded import LaunchError


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured; quick is about a fiftieth."""

    sizes: Sizes
    events: int
    singles: int
    payments: int
    recipients: int
    households: int


FULL = Size(
    Sizes(requests=6_000, plain=1_500, rounds=7, aged=AGED_ROUNDS * 6_000),
    events=100_000,
    singles=1_500,
    payments=1_000_000,
    recipients=1_000_000,
    households=1_000_000,
)
QUICK = Size(
    Sizes(requests=208, plain=32, rounds=3),
    events=2_000,
    singles=40,
    payments=20_000,
    recipients=20_000,
    households=0,
)
MONTHS = 3
OLD = 200_000
BUSY = 0.7
PAYROLL = "monthly run, 1,000,000 households"
AGED = "the same requests on an aged database ÷ fresh, p99"
SETTLED = 1_000  # requests; with fewer, what pgbench's connections cost would count as its work
ROUTES = {
    "B1": ("submit an application", 0.24, 4.5),
    "B2": ("read an application by its code", 0.07, 3.5),
    "B3": ("a step of a case (plan a visit)", 0.24, 5.0),
}
NOTES = {
    "B1": "both registries' answers are taken as remembered (a stand-in inside the measured app)",
    "B2": "the floor is the same statement: the row with both halves of its history",
}
LATER = {
    "B10": "ministry's signed query",
    "B11": "overload, 200 connections",
    "B12": "introduction letter as PDF/A",
}


def main() -> None:
    """Measure everything that exists."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the size")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    size = QUICK if given.quick else FULL
    print(f"seed {given.seed}", flush=True)
    began, load = time.monotonic(), os.getloadavg()[0]
    try:
        with installation() as server:
            started = ready(server.data_dir)
            server.start()
            with stage(server) as place:
                lines, rounds = measure(place, size, given.seed, started)
                settings = {**place.durable, **vars_of(size), "load_before": round(load, 2)}
    except (BenchFault, LaunchError) as fault:
        sys.exit(f"bench: {fault}")
    lines += [not_here(name, what, quick=given.quick) for name, what in LATER.items()]
    lines.sort(key=lambda line: int(line.name[1:]))
    print(table(lines))
    if load > BUSY:
        print(f"\nOthers were at work here (load {load:.1f}): wall-clock figures say little.")
    file = write(lines, quick=given.quick, seed=given.seed, settings=settings, rounds=rounds)
    print(f"\n{file} written after {time.monotonic() - began:.0f} s")


def vars_of(size: Size) -> dict[str, Any]:
    """The size as evidence keeps it."""
    return {
        "connections": 16,
        "workers": 2,
        "rounds": size.sizes.rounds,
        "requests_per_round": size.sizes.requests,
        "events": size.events,
        "payments": size.payments,
        "recipients": size.recipients,
        "households": size.households,
    }


def measure(
    place: Stage, size: Size, seed: int, started: Ready
) -> tuple[list[Line], dict[str, Any]]:
    """Take the figures one after the other."""
    lines, rounds, fresh = [line_of_ready(started), line_of_gateway()], {}, {}
    work = works(place, size.sizes, seed=seed)
    for name, one in work.items():
        fresh[name] = figures = compare(place, one, size.sizes)
        lines += lines_of_route(name, figures)
        rounds[name] = figures.record()
    passed = asyncio.run(relayed(place, events=size.events, singles=size.singles, seed=seed))
    with tempfile.TemporaryDirectory(prefix="payments-") as folder:
        written = payment_file.measured(size.payments, Path(folder))
    told = asyncio.run(queued(place, recipients=size.recipients))
    lines += [line_of_relay(passed), line_of_payment_file(written), line_of_broadcast(told)]
    if not size.households:  # a fiftieth would measure the start of it and little else
        later = {"B5": PAYROLL, "B9": AGED}
        return [*lines, *(not_here(*one, quick=True) for one in later.items())], rounds
    requests = size.sizes.requests
    old = aged(place, work, fresh, requests=requests, households=OLD, seed=seed)
    rounds["B9"] = asdict(old)
    lines.append(line_of_aged(old))
    month = paid(place, households=size.households, rounds=MONTHS, seed=seed)
    rounds["B5"] = asdict(month)
    return [*lines, line_of_payroll(month)], rounds


def lines_of_route(name: str, figures: Figures) -> list[Line]:
    """A route against its floor and against its plain version."""
    what, to_floor, to_plain = ROUTES[name]
    middle = figures.middle()
    spent = (
        "processor time of a request: workers {worker_us:.0f} µs, database {database_us:.0f} µs;"
        " p50 {p50_ms:.1f} ms, p99 {p99_ms:.1f} ms"
    ).format_map(middle)
    if middle["count"] >= SETTLED:
        # On two busy processors as much is done as their time allows: this one bears company.
        share = middle["floor_us"] / (middle["worker_us"] + middle["database_us"])
        spent += f"; by processor time the ratio is {share:.3f}"
    note = "; ".join(part for part in (NOTES.get(name), spent) if part)
    floor, plain = figures.to_floor, figures.to_plain
    return [
        Line(name, f"{what} ÷ pgbench", f">= {to_floor}", f"{floor:.3f}", floor >= to_floor, note),
        Line(name, f"{what} ÷ plain ORM", f">= {to_plain}", f"{plain:.1f}", plain >= to_plain),
    ]


def line_of_ready(found: Ready) -> Line:
    return Line(
        "B13",
        "everything ready; memory of all services",
        "<= 8 s, <= 250 MiB",
        f"{found.seconds:.1f} s, {found.mib:.0f} MiB",
        found.seconds <= 8 and 0 < found.mib <= 250,
        f"the first start, with its set-up, took {found.first_seconds:.1f} s",
    )


def line_of_relay(found: Relayed) -> Line:
    return Line(
        "B7",
        "event from commit to inbox; relay",
        "p50 <= 100 ms, p99 <= 1 s, >= 8,000/s",
        f"{found.p50_ms:.0f} ms, {found.p99_ms:.0f} ms, {found.per_s:,.0f}/s",
        found.p50_ms <= 100 and found.p99_ms <= 1000 and found.per_s >= 8000,
        "the courier is not told of a write, as when it runs in another process",
    )


def line_of_payment_file(found: dict[str, float]) -> Line:
    grown = found["peak_mib"] - found["start_mib"]
    note = (
        "rows per second of processor time; decryption {opened_per_cpu_s:,.0f} accounts/s beside"
        " it; with sealing into the store {sealed_rows_per_cpu_s:,.0f} rows/s; memory is what it"
        " takes above the {start_mib:.0f} MiB of an idle process that has imported the service"
    ).format_map(found)
    return Line(
        "B6",
        "payment file, pain.001, streamed",
        ">= 250,000 rows/CPU s, <= 60 MiB",
        f"{found['rows_per_cpu_s']:,.0f}/s, {grown:.0f} MiB",
        found["rows_per_cpu_s"] >= 250_000 and grown <= 60,
        note,
    )


def line_of_broadcast(found: Queued) -> Line:
    return Line(
        "B8",
        f"{found.recipients:,} recipients queued from one event",
        ">= 50,000 messages/s, flat memory",
        f"{found.per_s:,.0f}/s, +{found.grown_mib:.0f} MiB",
        found.per_s >= 50_000 and found.grown_mib <= 64,
        f"{found.messages:,} messages in {found.seconds:.1f} s, an inbox item and an SMS each;"
        f" processor time of one: ours {found.ours_us:.0f} µs, database {found.database_us:.0f} µs",
    )


def line_of_payroll(found: Paid) -> Line:
    ours, floor = median(found.ours), median(found.floor)
    return Line(
        "B5",
        PAYROLL,
        ">= 0.75, <= 300 MiB",
        f"{found.to_floor:.2f}, {found.mib:.0f} MiB",
        found.to_floor >= 0.75 and found.mib <= 300,
        f"{found.households:,} households, {ours:,.0f} rows/s beside {floor:,.0f} in one statement;"
        f" {found.to_shared_floor:.2f} where the floor has two connections too;"
        f" exactly {found.total_rial:,} Rials; a second run did nothing",
    )


def line_of_aged(found: Aged) -> Line:
    each = ", ".join(
        f"{name} {found.aged_ms[name]:.0f} ÷ {before:.0f} ms"
        for name, before in found.fresh_ms.items()
    )
    scanned = ", ".join(f"{name} {times}×" for name, times in found.scanned.items())
    return Line(
        "B9",
        AGED,
        "<= 1.3, no sequential scan",
        f"{found.worst:.2f}, {scanned or 'none'}",
        found.worst <= 1.3 and not found.scanned,
        f"{found.households:,} households × {len(MONTHS_OF_AGE)} months,"
        f" {found.households * EACH:,} applications; {each}",
    )


def line_of_gateway() -> Line:
    why = "not yet built" if shutil.which("nginx") else "skipped: there is no nginx here"
    return Line("B4", "gateway hop to another process ÷ nginx", "<= 8", why, None)


def not_here(name: str, what: str, *, quick: bool) -> Line:
    why = "full bench only" if quick else "not yet built"
    return Line(name, what, "", why, None)


if __name__ == "__main__":
    main()
