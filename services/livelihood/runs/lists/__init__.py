"""Who is in a list and with how much: one statement for each kind of run."""
