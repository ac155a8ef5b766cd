"""Settlement files: a gateway's report of what it took, kept and pays out, to rows.

known     the reader of a gateway, made of the layout in its own folder (report.toml)
profile   a layout as data: headings, formats, words, signs
columns   where the heading stands, and which column is what
reader    the rows below it, one by one; what stands around them
refusals  every reason not to take a file, in both languages

Layouts are under contract and not public, so ours are defaults; docs/reference tells how to
write another.
"""
