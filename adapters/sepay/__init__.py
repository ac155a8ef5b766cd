"""SePay: a bank credit arrived.

events    webhook calls, verified and read
checkout  signature of SePay's separate card and QR form
"""
