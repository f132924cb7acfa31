"""`python -m bots` is the same as the `kankei` command."""

import gc


def main() -> None:
    """Start without looking for garbage: what imports make is none, and looking takes a quarter."""
    gc.disable()
    from bots.cli import main as command

    gc.freeze()
    gc.enable()
    command()


if __name__ == "__main__":
    main()
