"""`soha import awards|accounts FILE`: what an older system pays, and to which account."""

from uuid import UUID

import typer

from services.livelihood.actions import taking_over
from services.livelihood.awards import queries
from services.livelihood.awards.schemas import AccountRow, AwardRow, whole_number
from shared.imports import Row
from shared.running.importing import By, Dry, File, Kind, bring_in
from shared.storage.db import Transaction, dumps
from shared.web.auth import Actor

importing = typer.Typer()
GROUPS = {"import": importing}


async def take_award(tx: Transaction, row: Row, *, actor: Actor) -> UUID:
    """One award, from the month after the last that the older system pays."""
    found = AwardRow.model_validate_json(dumps(row))
    return await taking_over.take_over(tx, found, actor=actor)


async def take_account(tx: Transaction, row: Row, *, actor: Actor) -> UUID:
    """One account of a payee's own."""
    found = AccountRow.model_validate_json(dumps(row))
    return await taking_over.take_account(tx, found, actor=actor)


def size(row: Row) -> int:
    """How many people a line pays for."""
    return int(whole_number(row["covered_size"]))


def one(_: Row) -> int:
    """A line of accounts weighs one account."""
    return 1


AWARDS = Kind("livelihood", "awards", take_award, size, queries.taken_over, weighs="people")
ACCOUNTS = Kind(
    "livelihood", "accounts", take_account, one, queries.changed_over, weighs="accounts"
)


@importing.command()
def awards(file: File, by: By, *, dry_run: Dry = False) -> None:
    """Awards: head, reason, sheba, covered_size, granted_on, last_paid_period, start_period."""
    bring_in(AWARDS, file, by=by, dry=dry_run)


@importing.command()
def accounts(file: File, by: By, *, dry_run: Dry = False) -> None:
    """Accounts: payee, sheba."""
    bring_in(ACCOUNTS, file, by=by, dry=dry_run)
