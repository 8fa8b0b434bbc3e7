"""What can be done, each with its authority and its trace; the only way in from outside."""
