"""What a month of support costs, by covered size and by dated approval, and what a year may cost.

Rates and budgets are only added to: a raise closes the open range before it, a new budget is a
new version. Quotas are dated policy; here they are shown beside what is used, and set anew.
"""
