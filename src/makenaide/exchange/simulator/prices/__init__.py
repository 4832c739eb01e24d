"""What the simulated markets do: recorded, generated or real prices, and questions about them."""
