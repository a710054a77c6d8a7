"""The story of a widow's application, played against a running system from outside.

It knows only what an integrator knows: the public API, and the sandbox for the outside world.
"""
