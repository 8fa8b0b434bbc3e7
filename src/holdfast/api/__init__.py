"""The interface for programs: REST under /api/v1, derived from the acts."""
