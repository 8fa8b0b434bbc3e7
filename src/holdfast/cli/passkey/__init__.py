"""A person's passkey on the command line: a small page in their browser makes it and signs."""
