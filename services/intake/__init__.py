"""Intake: where every application comes in and its whole story can be read.

A citizen, a counter or an officer files an application; identity and mobile are asked of the
registries; the duplicate guard, the statement and the channel are checked; it is routed to an
office, mirrored while its service works, and its promised time is counted. People, households and
coverage live here too, and the catalogue of what the agency promises.
"""
