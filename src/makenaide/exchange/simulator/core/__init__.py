"""The simulated venue without a socket: accounts, orders, matching, time."""
