"""What a bank answers about payments: pain.002, camt.053 or JSON, read into the same plain rows.

Reading is pure and bounded, and knows nothing of what was ever sent.
"""
