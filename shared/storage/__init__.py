"""What meets the database: transactions, policy, audit, events."""
