"""The award: a household's monthly support from its first month to its last."""
