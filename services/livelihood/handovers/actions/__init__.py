"""What happens to a hand-over: rows become due, a batch goes out, answers come back."""
