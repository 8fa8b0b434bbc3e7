"""One file a viewer: it shows one format to a person, from inside the sandbox."""
