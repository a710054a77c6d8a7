"""Livelihood aid: a household is admitted, then supported every month.

A request is routed here; a worker reviews it and visits the home; another person confirms the
conditions; coverage starts; a quota and a verified account make it active; the award is paid
month by month until it is stopped.
"""
