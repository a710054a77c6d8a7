"""Earthquake, flood, epidemic, a special economic state: help first, the papers follow (LV-33).

An operator declares where and until when; in that area an approver grants a household support at
once, with an end. What it is worth is dated policy; a change of the area counts from next month.
"""
