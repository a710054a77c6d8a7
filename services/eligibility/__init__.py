"""Qualification for livelihood support: who is entitled, and why.

A head of household registers on the ministry portal, or the ministry selects a batch; forms and
inquiries are completed; rules assess and explain; the qualified are handed over to the responsible
organisation; an objection is decided by another person.
"""
