"""A running site: its parts under one name, how they are opened, watched and taken up, and what follows from what."""
