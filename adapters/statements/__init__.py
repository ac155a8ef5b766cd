"""Statement readers: a bank's file to statements and problems, whatever the format.

detect     which reader a file needs, by its content
mt940      MT940 text                 mt940_fields  cut into tags and blocks
camt       camt.053, camt.054         camt_entry    one entry to lines
tabular    CSV, XLSX, XLS, HTML       rows, cells   from bytes to rows; one cell without a guess
           workbooks, old_workbooks   is an XLSX, is an XLS safe to open?
           profiles                   which heading means what; banks/*.toml is the data
           table_facts, table_lines   what stands around the entries; the entries
balances   the printed running balance as a proof
numbers, dates, encoding              how banks print them
refusals   every reason not to take a file, in both languages

A new bank is a new file in banks/ and a sample with its figures in tests/data/.
"""
