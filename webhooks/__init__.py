"""Webhooks: hear what gateways tell us.

event      EventSource port: verify a call, and say what it means
inbox      receive: keep the raw bytes once, verify, answer
dispatch   kind of event -> payments verb, one table
queries    what was heard, for the console
views      the blueprint /webhooks/<gateway>/<biller>
"""
