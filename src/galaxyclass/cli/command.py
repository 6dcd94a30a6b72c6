"""A command of click that passes over nothing a user gave."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from galaxyclass.arguments import replaced_input

#: Parameters that name what a command writes.
_OUTPUTS = ("output", "gallery", "coordinates", "report", "log")


class Command(click.Command):
    """A command that passes over nothing: click would take the last of several values."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            self._refuse_repeats(ctx, args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        self._refuse_lost_inputs(ctx)
        return super().invoke(ctx)

    def _refuse_lost_inputs(self, ctx: click.Context) -> None:
        """Refuse an output that is a file of the input, which it would replace."""
        names = {str(each.name): max(each.opts, key=len) for each in self.params}
        inputs = {name: value for name, value in ctx.params.items() if name not in _OUTPUTS}
        for output in _OUTPUTS:
            path = ctx.params.get(output)
            if (name := replaced_input(path, inputs)) is not None:
                what = names[name] if names[name].startswith("-") else name.upper()
                raise click.UsageError(
                    f"{names[output]} {path} is the file of {what}, which would be lost: "
                    "choose another file.",
                    ctx,
                )

    def _refuse_repeats(self, ctx: click.Context, args: list[str]) -> None:
        values, _, order = self.make_parser(ctx).parse_args(args=list(args))
        given = Counter(each for each in order if isinstance(each, click.Option))
        for option, times in given.items():
            name = max(option.opts, key=len)
            if option.multiple:
                same = [
                    each for each, count in Counter(values[str(option.name)]).items() if count > 1
                ]
                if same:
                    shown = same[0] if isinstance(same[0], str) else " ".join(same[0])
                    raise click.UsageError(f"{name} {shown} was given twice.", ctx)
            elif times > 1 and (not option.is_flag or option.secondary_opts):
                raise click.UsageError(
                    f"{name} was given {'twice' if times == 2 else f'{times} times'}, and has one "
                    "value: leave the others out.",
                    ctx,
                )


class ManyValues(Command):
    """A command whose options marked ``multiple`` take several values after one name.

    ``--images a.jpg b.jpg`` is read as ``--images a.jpg --images b.jpg``, so that a shell's
    ``--images *.jpg`` works.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        many = {
            name
            for parameter in self.params
            if isinstance(parameter, click.Option) and parameter.multiple
            for name in parameter.opts
        }
        spread: list[str] = []
        current, values = "", 0
        for argument in args:
            if argument.startswith("-") and len(argument) > 1:
                current, values = (argument if argument in many else ""), 0
            elif current:
                values += 1
                if values > 1:
                    spread.append(current)
            spread.append(argument)
        return super().parse_args(ctx, spread)
