"""How the software is run: containers, databases, and the stand-ins for the outside world."""
