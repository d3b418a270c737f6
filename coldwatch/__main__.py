"""`coldwatch` and `python -m coldwatch`: the command line."""

from coldwatch.cli import app


def main() -> None:
    app()


if __name__ == "__main__":
    main()
