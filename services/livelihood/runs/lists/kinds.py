"""The list of each kind of run that can be opened, and the component that its items pay.

Every statement takes one shard: $1 the run, $2 the shard's number, $3 when it was taken, $4 the
month as a number, $5 the kind, $6 the component, $7 the rates by size, $8 and $9 the shard's award
ids (the last one outside, or null), $10 when the run was opened, $11 the month, $12 its first day.
"""

from services.livelihood.runs.lists import arrears, emergency, regular

LISTS = {"regular": regular.TAKE, "arrears": arrears.TAKE, "emergency": emergency.TAKE}
COMPONENT = {"regular": "base", "arrears": "arrears", "emergency": "emergency"}
RECKON = {"regular", "arrears"}
"""Before these lists the closed months are compared with what is known now."""
AWARDS = {"emergency": "emergency_award"}
"""The table whose rows are cut into shards, where it is not `award`."""
