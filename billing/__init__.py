"""Billing: why an invoice exists. The core knows what is owed; this package knows the fee rules.

catalogue   priced items by version and date; who sets a fee, and when filing online frees of it
school      a month at school: meals, care, water, tuition; unused days come back as credit
hospital    a visit: what the insurance fund pays, the patient's share, what is out of scope
dossiers    an administrative dossier: its code, its copies and pages, at the counter or online

All of it is pure: facts in, `payments.invoices.Line`s out. Reductions are lines of their own.
"""
