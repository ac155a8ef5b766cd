"""Webhooks: hear what gateways tell us, and tell billers' own systems what happened.

event      EventSource port: verify a call, and say what it means
inbox      receive: keep the raw bytes once, verify, answer
dispatch   kind of event -> payments verb, one table
queries    what was heard, for the console
views      the blueprint /webhooks/<gateway>/<biller>

sender     Sender port: one call to one address; addresses says which may be called
endpoints  where a biller's systems are called: add, change, replace a secret, replay
kinds      the events that may be heard of
delivery   drain: endpoints that are due, side by side; rounds is one look at one of them,
           health what came of a call
backoff, payload, signing
           when again, what is sent, why it is believed; pure
delivery_queries
           endpoints and their log, for the API and the console
"""
