"""Makenaide: automated spot trading on Upbit that also operates itself."""

__version__ = "0.1.0"
