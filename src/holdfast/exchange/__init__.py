"""What leaves the house, so that whoever receives it can check it without us."""
