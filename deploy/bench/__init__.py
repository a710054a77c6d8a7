"""The bench: every figure a ratio within one run on one machine, never an absolute.

What is measured runs as it would in production (uvicorn, two workers, durable PostgreSQL); beside
it, in turns, run pgbench with the very same rows and a plain ORM version of the same route.
"""
