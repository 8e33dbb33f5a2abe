"""Run by Alembic: migrates on the connection, and in the transaction, that ``vigil.store.records.database`` hands over."""

from alembic import context

# Only while Alembic runs is there a configuration; a tool that merely imports every module finds none and nothing happens.
config = getattr(context, "config", None)
if config is not None:
    # SQLite can roll back DDL; Alembic leaves that off by default because the driver used to commit on its own.
    context.configure(connection=config.attributes["connection"], transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()
