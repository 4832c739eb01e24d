"""The venue's REST face: signed and public calls, rate limits."""
