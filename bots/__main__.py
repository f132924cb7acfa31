"""`python -m bots` is the same as the `kankei` command."""

from bots.cli import main

main()
