"""How the tables of a store in PostgreSQL come to be; read by Alembic."""
