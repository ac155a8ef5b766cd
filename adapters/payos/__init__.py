"""payOS: a link with a VietQR, paid by bank transfer straight into the biller's own account.

config   what a biller tells us, and where payOS is
signing  the two signatures: of a request to create a link, and of the `data` of everything else
codes    payOS's answer codes and link states in our words, with their sources
credit   one bank credit, as webhooks and links describe it
link     a payment link as payOS describes it: what became of it
gateway  create, look up, try the credentials, register the webhook
events   webhook calls, verified and read

Docs: docs/how-to/payos.md.
"""
