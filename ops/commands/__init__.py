"""One module per command of `thuphi`, each with a function `command`; see ops/cli.py.

speaking   what all of them share: one line for an error, a progress bar, JSON or words
"""
