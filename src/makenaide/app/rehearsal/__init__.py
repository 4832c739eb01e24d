"""The rehearsal: whole worlds in one process, in which everything goes wrong that can, and the laws that must hold.

Time is stepped, prices are generated, the venue is the built-in simulator behind the real client, the database is a
real PostgreSQL. A rehearsal says nothing about profit: it asks whether a crash or a fault can break the books.
"""
