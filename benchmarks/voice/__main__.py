"""Run the parts of this package one after the other."""

import argparse
import importlib
import pkgutil
import sys

import benchmarks.voice


def parts() -> list[str]:
    """The modules of this package that measure something."""
    found = (each.name for each in pkgutil.iter_modules(benchmarks.voice.__path__))
    return sorted(name for name in found if not name.startswith("_"))


def main() -> int:
    parser = argparse.ArgumentParser(description=benchmarks.voice.__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(parts())}; default: all")
    asked = parser.parse_args().parts or parts()
    if unknown := set(asked) - set(parts()):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    for name in asked:
        print(f"## {name}\n")
        importlib.import_module(f"benchmarks.voice.{name}").run()
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
