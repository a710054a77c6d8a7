"""The worklist: what waits for whom, and who has it in hand."""
