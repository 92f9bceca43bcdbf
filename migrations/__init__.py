"""Migrations of both databases, one Alembic tree each."""
