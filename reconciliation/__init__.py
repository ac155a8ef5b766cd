"""Reconciliation: what the statement says against what the ledger expects.

In the order of the pipeline:
statement      StatementReader port: what a reader of a bank's file must give
intake         receive a file: hash, refuse a repeat, keep the bytes
whole          is a statement complete: all read, its sum right, nothing missing before it
normalise      pure: signs, dates, folded memo, payment codes -> one frame
expected       what the ledger says should arrive, as a frame
matching       pure: evidence, then a decision; its parts are in engine/
outcomes       pure: what is left over -> rows of a file
causes         each kind of discrepancy: why, and what to do
waiting        lines that nobody has booked yet
earlier        credits of former days that tonight's debits take back
posting        pairs -> journals -> payments.ledger; bulk_posting: a chunk of them at once
findings       what a discrepancy is about, and why it was not matched
cases          opened, held in line with the facts, cleared; its row and its history
bulk_cases     many opened at once
ages           how old one is in working days, in four bands; pure
exact, answers what is beyond doubt (pure), and what candidates stand at now
discrepancies  what people do about it: take, comment, propose, approve, refuse, open again
bulk           the exact answers of many, each in a transaction of its own
undoing        one match taken apart, and nothing beside it; batch_undoing: a line of a batch
remedies, dividing, previews  the ways out of one, and what each would book
runs           one run, step by step; may be repeated
lanes          chunks of a run, two at a time, in their order where they share a bill
nights         the runs of one day, gathered: the last of them closes the day's work
first_nights   what the engine did by itself, counted once
garbage        the search for cycles stands aside while rows are made
progress       how far each run of a day is, for people who watch

settlement_report, settlements      a gateway's file: the port of its reader; received, read
settlement_rows, settlement_lines   rows -> journals; which statement line pays which batch
settlement_ways, settlement_late    what a decision books at a gateway; what has not come in time
settlement_runs, contracts          the steps, which may be repeated; what a gateway may keep

queries        reads for the console and the API
"""
