"""``python -m galaxyclass`` is the command ``galaxyclass``."""

from galaxyclass.cli.main import run

if __name__ == "__main__":
    run()
