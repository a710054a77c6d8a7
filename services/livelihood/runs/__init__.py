"""The monthly run: one frozen list of who gets what, funded, sent and reconciled by others.

A preparer opens a month; the list is taken in shards, each a transaction of its own, and frozen
with its count, sum and hash; another person secures the funds.
"""
