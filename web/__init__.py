"""Web: the doors for people and programs, and the only HTML and JSON.

app        create_app: every blueprint and handler is registered here, in view
auth/      staff sign-in, API keys, payer links
api/       /api/v1, one file per noun; shapes.py generates openapi.json
portal/    the payer: pay, wait, receipt
console/   staff: today, discrepancies, days
problems   DomainError -> problem+json for programs, a page for people
"""
