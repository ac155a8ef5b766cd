"""Engine: how matching decides. Pure: no clock, no I/O, no database; in the order of work:

folding, forms, form, places  references learned and indexed
spelling, doubts, syllables   days inside them; words and cuts that look like one
reading, claims, payers       what a memo says: codes, references, people
lines                         the statement, and what the bank's own words in it are
words, quick                  plain lines, by columns: of known words; with one known reference
hearing                       everything that the lines say by themselves
sure                          plain lines that are the only ones of their orders
evidence, telling             what speaks for or against, and the rules, in two languages
deciding, book                one line, all its evidence, one decision
batches, terms, reversals     gateways' rows and credits, money taken back
gathering, matched            what became of everything, as frames
"""
