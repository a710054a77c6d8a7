"""What starts and serves the rest: settings, clock, log, launcher."""
