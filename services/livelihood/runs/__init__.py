"""The monthly run: one frozen list of who gets what, funded, sent and reconciled by others.

A preparer opens a month; the list is taken in shards, each a transaction of its own, and frozen
with its count, sum and hash; another person secures the funds; a third sends the files. What the
banks say of every payment is kept and booked; the run is closed when everything adds up.
"""
