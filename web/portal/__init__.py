"""The payer: open a link, pay, wait, get the receipt. Nobody signs in.

views      the doors: /pay/<token> and what hangs on it, /r and /r/<code>
pages      what each page shows, as plain values
showing    what a link may read -> pay page, paid page, strip
papers     a receipt -> its page, and its public check
looking    "I have paid": the form, the look, the trace
answers    language, frame, headers
"""
