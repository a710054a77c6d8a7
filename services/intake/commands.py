"""`soha import households FILE`: covered households from an older system."""

from uuid import UUID

import typer

from services.intake.households import queries
from services.intake.households.actions import take_over
from services.intake.households.schemas import HouseholdRow, members_of
from shared.imports import Row
from shared.running.importing import By, Dry, File, Kind, bring_in
from shared.storage.db import Transaction, dumps
from shared.web.auth import Actor

importing = typer.Typer()
GROUPS = {"import": importing}


async def take(tx: Transaction, row: Row, *, actor: Actor) -> UUID:
    """One household with its coverage."""
    return await take_over(tx, HouseholdRow.model_validate_json(dumps(row)), actor=actor)


def weigh(row: Row) -> int:
    """How many people a line brings."""
    return 1 + len(members_of(row.get("members") or []))


HOUSEHOLDS = Kind("intake", "households", take, weigh, queries.taken_over, weighs="people")


@importing.command()
def households(file: File, by: By, *, dry_run: Dry = False) -> None:
    """Covered households: head, members, province, county, postal_code, address, reason,
    covered_on.
    """
    bring_in(HOUSEHOLDS, file, by=by, dry=dry_run)
