"""The dashboard: which panels there are, and what each of their widgets shows."""
