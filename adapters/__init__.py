"""Adapters: the outside world in our words. One folder per company or format.

registry     the only list of names: which reader, which event source
company      what the house has to know about one gateway or source
http         one client: which failures mean that nothing happened, and which mean "look it up"
endpoints    addresses that belong to the installation
vietqr/      the QR a payer scans with any bank app; banks.py holds BINs and names
sepay/       a bank credit arrived, as SePay tells it
payouts/     files of many transfers for a bank; banks/*.toml are their columns
settlements/ what gateways took, kept and pay; report.toml in each one's folder is its layout
statements/  MT940, camt.053, camt.054, CSV and XLSX; banks/*.toml are column profiles

An adapter imports the port it implements and the words of payments.domain, nothing
else of ours. To add one, follow docs/how-to/write-an-adapter.md.
"""
