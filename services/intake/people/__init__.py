"""People, households and coverage, with the dates from and to which each is true."""
