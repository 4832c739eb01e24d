"""Scripts that the environment .venv-peers runs; they import the clients, and nothing of Makenaide."""
