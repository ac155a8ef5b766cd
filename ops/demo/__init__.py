"""Demo: one business day of five billers, played through the doors that everybody uses.

place    where the demo lives: its folder, its ports, its Config
teller   what the terminal hears while it goes on, and what did not come out as told
calls    the clients: a biller's program, the test bank, a member of staff in a browser
town     the billers of the cast with their clients, the bank and the clock
bills    who owes what today, by the rules of `billing`
story    the bills by who owes them, and what anybody does about them
gateways VNPAY, MoMo, ZaloPay, payOS: paid there, given back there, settled in the evening
day      07:00 to 21:00: bills, payments good and bad, a refund
night    the next morning: statements, runs, what people decide, the close
figures  the table: what came, where it is, and whether bank and ledger agree
play     all of it in order; start reading there

Nothing here posts or matches anything: bills, orders, refunds and statements go in by HTTP,
money comes from the simulator, which calls our webhook, and the runs are done by RQ's workers.
"""
