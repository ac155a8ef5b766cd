"""ZaloPay (v2): the payer goes to ZaloPay and comes back; ZaloPay holds the money and settles.

config   what a biller and the installation tell us
signing  the text of each message and its HMAC; the browser's return, for display only
codes    their codes -> our outcomes, one table for each question
answers  their answers, read strictly
gateway  start, look up, refund, look up a refund, try the keys
events   the call that ZaloPay makes when an order was paid
report   the settlement file; report.toml names its columns
"""
