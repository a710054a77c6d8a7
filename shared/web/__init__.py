"""What meets the network: identity, refusals, strict input, pages, clients."""
