"""Misbehaviour on request: which call or frame is met by what, and how that looks to the caller."""
