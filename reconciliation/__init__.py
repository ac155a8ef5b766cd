"""Reconciliation: what the statement says against what the ledger expects.

In the order of the pipeline:
statement      StatementReader port: what a reader of a bank's file must give
intake         receive a file: hash, refuse a repeat, keep the bytes
normalise      pure: signs, dates, folded memo, payment codes -> one frame
expected       what the ledger says should arrive, as a frame
matching       pure: evidence, then a decision
outcomes       pure: what is left over -> rows of a file
causes         each kind of discrepancy: why, and what to do
posting        pairs -> journals -> payments.ledger
discrepancies  open, propose, approve, resolve
runs           one run, step by step; may be repeated
queries        reads for the console and the API
"""
