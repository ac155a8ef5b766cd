"""Casso: a bank credit or debit happened, as its webhook version 1 or 2 tells it.

config   what a biller tells us: the version is in which secret is set
signing  the signature of version 2
events   webhook calls, verified and read

Docs: docs/how-to/casso.md.
"""
