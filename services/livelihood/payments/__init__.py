"""A household's own payments: what it is due month by month, and when it is in the account."""
