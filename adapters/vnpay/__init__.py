"""VNPAY: the payer goes to VNPAY's page and pays by QR, card or bank account; VNPAY settles later.

config    what a biller tells us, and the addresses of the installation
fields    how VNPAY writes times, amounts and texts
signing   both kinds of signature: over a query, and over an API call
codes     VNPAY's codes in our words
api       querydr and refund: asked, and the answer proven
gateway   start, look up, give back
checks    what a try of the credentials found
events    the notice (IPN), verified, read and answered
returns   what the payer's browser brings back: shown, never booked
"""
