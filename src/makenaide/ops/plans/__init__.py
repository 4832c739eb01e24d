"""The plans of this system, made by pure functions from a description of where it stands."""
