"""Coverage: whom the agency covers, from when to when, and whether the file is current."""
