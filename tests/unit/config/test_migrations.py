"""The ledger's migrations lead to the very tables that the code speaks of."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bridge.ledger.ledger import Ledger
from bridge.ledger.tables import metadata


def test_migrations_lead_to_the_tables(tmp_path: Path) -> None:
    """A change of `tables` without its migration, or the other way round, is found here."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    ledger.migrate()
    with ledger.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    ledger.close()
