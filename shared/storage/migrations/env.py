"""The one Alembic environment: a service's metadata and connection come from `migrate.py`."""

import re

from alembic import context

config = context.config
metadata = config.attributes["metadata"]


PARTITION = re.compile(r"_[0-9]{6}$")


def included(name: str | None, type_: str, _: object) -> bool:
    """Only the service's own schema, and no month of a table that is kept by months."""
    if type_ == "table":
        return PARTITION.search(name or "") is None
    return type_ != "schema" or name == metadata.schema


def run() -> None:
    """Migrate over the connection that was handed in, or print SQL where there is none."""
    options = {
        "target_metadata": metadata,
        "version_table": "alembic_version",
        "version_table_schema": metadata.schema,
        "include_schemas": True,
        "include_name": included,
        "compare_server_default": False,
    }
    connection = config.attributes.get("connection")
    if connection is None:
        context.configure(dialect_name="postgresql", literal_binds=True, **options)
    else:
        context.configure(connection=connection, transaction_per_migration=True, **options)
    with context.begin_transaction():
        context.run_migrations()


run()
