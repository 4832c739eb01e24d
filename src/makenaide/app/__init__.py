"""Assembly: which adapter stands behind which port, and the embedded default. The only room that knows them all."""
