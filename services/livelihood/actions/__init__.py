"""What can happen in livelihood. Nothing here commits, and nothing knows HTTP."""
