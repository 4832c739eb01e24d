"""Mutation testing of the rooms that decide about money: `make mutants`.

mutmut makes the mutants (in an environment of its own, `make.py`); this package runs them, because mutmut knows
neither tests chosen by covered line nor a seeded sample, leaves module level and properties alone, and reads no
mutant in a child process. Each mutant gets the tests that cover its line, fastest first, in a fork of a warm
process, on a copy of the tree in a temporary folder.
"""
