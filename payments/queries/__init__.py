"""Queries: the only reads that pages and the API use, one file per noun.

Each takes an open transaction of one biller and returns frozen values: amounts are int đồng,
times aware, people opened from the vault. Nothing is changed by any of them.
"""
