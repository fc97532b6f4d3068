"""User 360: who your users are, what they do, and whom to reach – without a screen.

Everything here can be run from a test, a notebook or a command line. The screens in `pages/`
only draw what these rooms answer. `user360/README.md` is the floor plan.
"""

from user360 import processor

__version__ = "0.1.0"

processor.choose()  # before anything imports numpy, which looks once
