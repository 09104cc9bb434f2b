"""Run `python -m number_generator`."""

from number_generator.entry import run_module

if __name__ == "__main__":
    run_module()
