"""The gateway: the one door through which everybody outside meets the agency's services.

A request gets its ids and is checked; its token is verified once; the path names the service; the
actor is signed onward for at most five minutes; the request is streamed to the service, in this
process or another one, and its answer back. No data is kept here, and no rule is decided.
"""
