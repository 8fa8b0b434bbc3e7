"""What every room of the house stands on; imports nothing else of the project."""
