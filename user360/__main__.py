"""`python -m user360`: the door for the terminal. What the commands do lives in `cli`."""

import sys

from user360.cli import main

if __name__ == "__main__":
    sys.exit(main())
