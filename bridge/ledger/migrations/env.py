"""Alembic's environment: the connection is handed over by `Ledger.migrate`."""

from alembic import context

from bridge.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata,
                  render_as_batch=True)  # fmt: skip
with context.begin_transaction():
    context.run_migrations()
