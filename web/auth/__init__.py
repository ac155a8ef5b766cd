"""Who may come in: every route says so, and is checked before anything of it is read.

marks    @requires(Permission) and @public(why): what a route says of itself
guard    reads the mark before the view, and sends the caller to the right door
keys     programs: `Authorization: Bearer`, a biller's key
staff    people: password and six digits, then a session cookie
either   the API's door: a key, or a session with the token of its forms
links    payers: the secret in a pay link
"""
