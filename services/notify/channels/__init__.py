"""The ways by which a message reaches a person: the portal's inbox, and SMS."""
