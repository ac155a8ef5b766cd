"""Billing: why an invoice exists. The core knows what is owed; this package knows the fee rules."""
