"""`python -m makenaide` is the command line."""

from makenaide.cli import main

if __name__ == "__main__":
    main()
