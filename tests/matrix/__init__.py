"""The check matrix: every check of the morning and the evening in a good, a bad and a blind world."""
