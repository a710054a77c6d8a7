"""Justice shares for covered clients: enrol, correct or follow up, once in a period.

A client asks; coverage and a current file are checked; a worker reviews and inquires; what
contradicts is corrected; the service is given.
"""
