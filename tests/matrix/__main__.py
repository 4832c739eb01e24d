"""Take the check matrix: a table of 19 checks in three worlds each, and every difference; 1 when there is any."""

import sys

from tests.matrix.matrix import main

sys.exit(main(sys.argv[1:]))
