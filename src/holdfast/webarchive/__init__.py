"""Formats of web archives: HTTP messages on the wire, WARC, and how they are indexed."""
