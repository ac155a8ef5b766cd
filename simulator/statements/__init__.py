"""The files a bank sends for a day: one reading of the books, many ways to print it.

day         the lines of a day, or of several, with opening and closing balance
render      a format by its name, and the faults a whole file can have
mt940, camt053
            the two interbank formats
layouts     the columns of Vietnamese banks' exports, as a grid of cells; printed as CSV or by
xlsx        as a workbook
"""
