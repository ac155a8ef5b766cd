"""Queries: reads of files, runs and discrepancies for the console and the API.

Each takes an open transaction of one biller and returns frozen values.
"""
