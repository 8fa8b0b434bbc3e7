"""A witness and a monitor: small programs that others run, so that no log can tell two stories."""
