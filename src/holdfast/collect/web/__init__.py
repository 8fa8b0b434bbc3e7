"""A web capture: what the browser logged, told as exchanges."""
