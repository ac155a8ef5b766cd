"""Nights: made-up orders, statements and gateway reports, with the truth about each line.

references   forms of references, ours and other systems', by name
people       made-up names and payer codes
orders       what is owed
wrapping     how banks wrap what a payer wrote
spoiling     what becomes of a reference on its way
business     lines that are no payment of any order
transfers    one payer's transfer after another, each with its truth
settlements  gateway rows, batches and their credits, with their faults
night        a whole night, seeded
files        the files it is written to, and the truth beside them

Everything is drawn from one seed: the same seed and sizes give the same files, byte for byte.
Start reading at night.make. Nothing here imports the engine that it measures.
"""
