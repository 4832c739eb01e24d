"""Run the mutants: a table by room, the survivors; 1 when too few were killed."""

import sys

from tests.mutants.session import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
