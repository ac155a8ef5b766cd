"""Payout files: many transfers for a bank in one sheet, CSV and XLSX.

profiles   which columns a bank's form has; the data are banks/*.toml
writer     a profile and the transfers -> the bytes

Banks agree their form with each customer, so the general profile is ours, documented in
docs/how-to/refunds.md; another form is another file in banks/ and no code.
"""
