"""Migrations: the steps that bring a database up to date."""
