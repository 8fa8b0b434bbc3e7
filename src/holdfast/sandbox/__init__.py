"""What a process takes from itself before it touches evidence."""
