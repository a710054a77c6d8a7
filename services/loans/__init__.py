"""Employment loans: the agency prepares and refers, an agent bank lends.

A person or employer registers; the social-work unit approves; documents, counselling and a plan;
a fair queue; a bank decides and pays; experts visit until the business lasts, and the bank tells
of every instalment until the last.
"""
