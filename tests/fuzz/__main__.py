"""Run the fuzz: a table of targets, inputs, seconds and failures; 1 on any failure."""

import sys

from tests.fuzz.session import main

sys.exit(main(sys.argv[1:]))
