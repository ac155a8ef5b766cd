"""Migrations: how the tables came about, one numbered head. README.md has the rules."""
