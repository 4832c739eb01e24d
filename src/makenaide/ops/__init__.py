"""Operating: what must be known and fresh before, and while, real money is at stake."""
