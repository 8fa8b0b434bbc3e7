"""Every test here has an account of its own and may have a vault of its own."""

from tests.line import home, line, made_plain, made_sealed, sealed

__all__ = ["home", "line", "made_plain", "made_sealed", "sealed"]
