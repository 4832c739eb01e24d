"""The real Upbit over HTTP: signatures, wire shapes, pacing, transport, retries, and the client that joins them.

Everything known of the venue comes from `upbit-api.md` (sections 1 to 8 and 11); `client.UpbitClient` implements
`exchange.venue.Venue` and can be pointed at the built-in simulator by its base address alone.
"""
