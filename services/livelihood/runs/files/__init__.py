"""Payment files: how one is written for a bank (ISO 20022), and where it is kept, sealed."""
