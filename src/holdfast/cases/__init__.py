"""Cases: under which authority, within what, and until when."""
