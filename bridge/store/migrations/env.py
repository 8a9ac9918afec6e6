"""What Alembic runs: the pending steps, on the connection that `Store.migrate` hands over."""

from alembic import context

from bridge.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
