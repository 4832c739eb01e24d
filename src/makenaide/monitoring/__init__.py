"""Monitoring: what is measured, and messages on their way to people."""
