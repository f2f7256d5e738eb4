"""``python -m mm`` is the console script ``kmm``."""

from mm.cli.main import main

if __name__ == "__main__":
    main(prog_name="kmm")
