"""Run by Alembic with the connection that `softswitch.store.connection.upgrade` hands over."""

from alembic import context

from softswitch.store.schema import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("migrations run when a store is opened: softswitch run CONFIG, or Store.open(url)")
# SQLite cannot alter a column in place; batch mode copies the table.
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True)
# The caller's transaction is the migration's: either the whole way to head, or nothing.
with context.begin_transaction():
    context.run_migrations()
