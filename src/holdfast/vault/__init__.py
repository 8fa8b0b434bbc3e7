"""Originals and the custody log: what nobody can alter or drop unseen."""
