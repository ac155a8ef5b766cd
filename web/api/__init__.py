"""The API under /api/v1: one file per noun, and what they share.

shapes    the types of fields: đồng, ids, days, moments, texts; what every list looks like
bodies    a body is read once, strictly, and refused with a reason
faults    what was wrong with each field, in both languages
creating  creates: the same key and content get the same answer, once
cursors   opaque marks between the pages of a list
spec      openapi.json: what the code says, completed; docs: the same to read

A view parses, opens one transaction, makes one call and renders.
"""
