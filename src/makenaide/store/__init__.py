"""The only room that speaks SQL: the embedded server, the connection, the schema and the named queries."""
