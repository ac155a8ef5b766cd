"""Rules, standard library only: nothing here reads a clock, a row or a socket.

money       Currency, Money          words      an amount spoken in Vietnamese
codes       payment codes            states     every status and its table of moves
accounts    chart of accounts        journals   business event -> Journal
people      roles and permissions    errors     what can go wrong, in two languages
"""
