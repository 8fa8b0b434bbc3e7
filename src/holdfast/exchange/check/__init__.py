"""Checks a bundle, with the same verdicts as `verify.sh` and nothing in common with it but the bytes.

Everything in a bundle may be hostile: links are never followed, names are matched before they are
used, nothing is unpacked, and what is read into memory has a limit.
"""
