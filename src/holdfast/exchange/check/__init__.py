"""Checks a bundle, with the verdicts of `verify.sh` and nothing in common with it but the bytes.

Everything in a bundle may be hostile: links are never followed, names are matched before they are
used, nothing is unpacked, and what is read into memory has a limit.
"""
