"""Upbit's WebSocket, client side: frames, subscriptions, the connection, and eyes that live on them."""
