"""MoMo: payments by wallet, bank card or credit card on MoMo's own page, and refunds.

config   what a biller tells us, and where MoMo is
signing  HMAC-SHA256 over named fields in MoMo's order; also of the browser's return
codes    MoMo's result codes in our words, one table
api      one signed call, and the answer as far as it can be believed
gateway  create, query, and the try of the credentials
refunds  giving money back, and finding out whether it went
events   MoMo's notices (IPN), verified and read
report   the settlement file

Docs: docs/how-to/momo.md.
"""
