"""The hand-over to the Targeted Subsidies Organisation (LV-31): who is supported, and who no more.

An award that begins, stops or is given back leaves a row; rows go in numbered batches, and each is
acknowledged or rejected by the organisation on its own.
"""
