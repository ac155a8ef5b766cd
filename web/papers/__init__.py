"""Papers to take away: a business day's sheet as XLSX, CSV or PDF.

day       which sheet, and what stands on it, as titled tables of texts and whole numbers
sheet_files
          the tables as a workbook, as CSV, as a PDF; day.typ is the PDF's layout

Figures come from the canonical sheet alone, so an export shows what was signed and nothing else.
"""
