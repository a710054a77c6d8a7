"""Stand-ins for every outside party, in a process of their own with journals of their own.

Never part of a production deployment. README.md is the contract that the adapters speak.
"""
