"""The command ``galaxyclass``: finds the module of a command and prints errors as messages.

The module of a command is imported when it is run or its help is shown, so that
``galaxyclass --help`` imports nothing heavy.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Sequence
from typing import Any

import click

from galaxyclass.cli.hints import in_options
from galaxyclass.cli.shown import echo
from galaxyclass.cli.stopped import stopped_words
from galaxyclass.errors import GalaxyclassError, StoppedError, SurveyStoppedError
from galaxyclass.io.atomic import error_of_system
from galaxyclass.short import first_line
from galaxyclass.version import __version__
from galaxyclass.workers.ending import end_process
from galaxyclass.workers.signals import terminated_as_interrupted, was_terminated

#: Exit status after Ctrl-C, and after SIGTERM: as in shells, 128 and the signal's number.
INTERRUPTED, TERMINATED = 130, 143
#: Exit status of a survey's run that a signal stopped: run it again (EX_TEMPFAIL of sysexits.h).
AGAIN = 75

#: Section of the help -> command -> what it does. Each is `galaxyclass.cli.<name>:command`.
HELP_SECTIONS: dict[str, dict[str, str]] = {
    "Predict": {
        "predict": "Predict vote fractions, classes or numbers of images.",
        "cutouts": "Cut sources out of FITS tiles, of a catalogue or found.",
        "survey": "Predict a whole survey: plan, run here or on a cluster, merge.",
    },
    "Look": {
        "serve": "Open a page to predict, look at and label galaxies, with an API.",
        "report": "Show on one page what a model is worth, or what is in a folder.",
        "explain": "Map the parts of an image that an answer rests on.",
        "similar": "Find galaxies that look like some others.",
        "map": "Map all galaxies, those that look alike near each other.",
        "explore": "Show in figures what a table of votes, classes or numbers holds.",
    },
    "Labels": {
        "validate": "Check images and a table before training on them.",
        "suspects": "Find labels that are probably wrong.",
        "select": "Choose which galaxies to label next.",
        "tree": "List the decision trees, show one, or make one of a table.",
        "zooniverse": "Write subjects for Zooniverse; count its classifications.",
        "simulate": "Make a folder of simulated galaxies with volunteers' votes.",
    },
    "Train": {
        "finetune": "Make a model of your own labels: fifty are a good beginning.",
        "train": "Train a recipe on images and a table.",
        "recipes": "List the recipes, or show one in full.",
        "compare": "Train recipes and settings side by side, as one table.",
        "tune": "Search for the best settings of a recipe.",
        "pack": "Crop and shrink all images once, for fast training.",
    },
    "Measure, and pass on": {
        "evaluate": "Score a model on galaxies that it was not trained on.",
        "baseline": "Score predictors without a network, for comparison.",
        "calibrate": "Fit prediction intervals and an out-of-distribution score.",
        "combine": "Make one model of several runs: an ensemble.",
        "export": "Write a network as ONNX, for any program.",
        "benchmark": "Measure how fast this machine packs, trains and predicts.",
    },
}
#: Command -> what it does.
COMMANDS = {name: words for section in HELP_SECTIONS.values() for name, words in section.items()}

EPILOG = """\b
Predict with the pretrained model:
  galaxyclass predict --images my_galaxies/ --output predictions.csv

\b
Make a model of your own labels, and see what it is worth:
  galaxyclass finetune --images my_galaxies/ --table rings.csv --output runs/rings
  galaxyclass report runs/rings --images my_galaxies/ --table others.csv --output report.html

\b
Train and score a network, on simulated galaxies:
  galaxyclass simulate --count 500 --output sky
  galaxyclass validate --images sky/images --table sky/votes.csv
  galaxyclass train fast --images sky/images --table sky/votes.csv --output runs/first
  galaxyclass evaluate runs/first --images sky/images --table sky/votes.csv --output scores

`galaxyclass COMMAND --help` explains one command, with an example."""


class CommandTable(click.Group):
    """A group whose commands are the modules of the table above."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for before, word in zip(["", *args], args, strict=False):
            name = before if not word else word[:-1]
            if word and not (word.startswith("--") and word.find("=") == len(word) - 1):
                continue
            # An empty path would be the current folder, an empty list all of them.
            what = name if name.startswith("-") else "an argument"
            ctx.fail(
                f"{what} is empty. Leave it out, or say what is meant (a variable of the "
                "shell may not be set)."
            )
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"galaxyclass.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"No such command {args[0]!r}.{hint} Commands: {', '.join(COMMANDS)}.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        for title, commands in HELP_SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:{width}}", words) for name, words in commands.items()])


@click.command(
    cls=CommandTable, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="galaxyclass")
def group() -> None:
    """Predict how Galaxy Zoo volunteers would classify galaxy images.

    Vote fractions on a decision tree (the 37 answers of Galaxy Zoo 2, or another tree), classes or
    numbers: with the pretrained model that comes with the package, or with one that you make of
    your own labels.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    int
        0 when all went well, 1 for an error that is explained on standard error, 2 for a wrong
        command line, 130 after Ctrl-C, 143 after SIGTERM, which stops a command as Ctrl-C does.
    """
    with terminated_as_interrupted():
        status = _run(arguments)
    return TERMINATED if status == INTERRUPTED and was_terminated() else status


def _run(arguments: Sequence[str] | None) -> int:
    try:
        result: Any = group.main(args=arguments, standalone_mode=False)
    except click.exceptions.Abort:
        echo(stopped_words(sys.argv[1:] if arguments is None else arguments), err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SurveyStoppedError as error:
        echo(f"\n{in_options(str(error))}", err=True)
        return AGAIN if error.again else INTERRUPTED
    except StoppedError as error:
        echo(f"\n{in_options(str(error))}", err=True)
        return INTERRUPTED
    except GalaxyclassError as error:
        command = _command_of(sys.argv[1:] if arguments is None else arguments)
        echo(f"error: {in_options(str(error), command)}", err=True)
        return 1
    except KeyboardInterrupt:
        echo(stopped_words(sys.argv[1:] if arguments is None else arguments), err=True)
        return INTERRUPTED
    except MemoryError as error:
        echo(in_options(str(_out_of_memory(error))), err=True, before="error: ")
        return 1
    except ImportError as error:
        if not re.search(r"\.(so|dylib|dll)\b|DLL", str(error)):
            raise
        echo(f"error: {_not_loaded(error)}", err=True)
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # nobody reads the output any more
        return 1
    except OSError as error:  # such as a name that is too long, or a disk that fails
        echo(f"error: {in_options(str(error_of_system(error)))}", err=True)
        return 1
    return result if isinstance(result, int) else 0


def _command_of(arguments: Sequence[str]) -> click.Command:
    """The command that a command line names."""
    command: click.Command = group
    for word in arguments:
        if not isinstance(command, click.Group):
            break
        command = command.get_command(click.Context(command), word) or command
    return command


def _out_of_memory(error: MemoryError) -> GalaxyclassError:
    return GalaxyclassError(
        "not enough memory",
        got=first_line(error),
        hint="give `workers=1`, a smaller `batch_size`, or fewer images at once",
    )


def _not_loaded(error: ImportError) -> GalaxyclassError:
    """That a library, such as torch's of some 500 MB, was found and could not be loaded."""
    return GalaxyclassError(
        "a library cannot be loaded",
        got=first_line(error),
        hint="where memory is limited (ulimit -v, a batch job), raise the limit; otherwise install "
        "what is missing",
    )


def run() -> None:  # pragma: no cover - the console script
    """Entry point of the console script."""
    if len(sys.argv) > 2 and not {"-h", "--help"}.intersection(sys.argv):
        from galaxyclass.data.tables.arrow_alone import leave_pandas_out

        leave_pandas_out()
    end_process(main())
