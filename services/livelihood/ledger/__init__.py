"""The books of livelihood: double entry, only ever added to; the database sees to both."""
