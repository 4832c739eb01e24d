"""One cycle as stored steps, the schedule that calls it, and the report of what came of it."""
