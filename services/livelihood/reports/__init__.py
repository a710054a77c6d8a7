"""Reports: what a month came to, and what a citizen may carry away on paper."""
