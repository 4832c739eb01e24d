"""Orders that a crash cannot double: commit and send, settle the unknown, reconcile, watch the stops."""
