"""The simulated venue's WebSocket face (upbit-api.md section 9)."""
