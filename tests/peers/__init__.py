"""Other people's clients against the simulator: each in a process of its own, in the environment .venv-peers."""
