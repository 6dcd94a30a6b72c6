"""What a command that was stopped has kept, and how it goes on.

Long predictions, trainings, searches and surveys say so themselves, with numbers
(`galaxyclass.errors.StoppedError`); this is of all others, and of the time before these begin.
"""

from __future__ import annotations

from collections.abc import Sequence

_NOTHING = "nothing was written; give the same command again, it begins anew"
_GOES_ON = "give the same command again, it goes on from there"

#: Command -> what is kept of it, and how it goes on; all others have written nothing.
AFTER_STOP: dict[str, str] = {
    "evaluate": f"images that were predicted are kept; {_GOES_ON}",
    "report": f"images that were predicted are kept; {_GOES_ON}",
    "pack": f"packed images are kept, but those of the last second; {_GOES_ON}",
    "train": f"packed images are kept, and epochs that ended; {_GOES_ON}",
    "compare": f"trials that ended are kept; {_GOES_ON}",
    "tune": f"trials that ended are kept; {_GOES_ON}",
    "survey run": f"finished shards are kept; {_GOES_ON}",
    "cutouts": f"cutouts that were written are kept; {_GOES_ON}",
    "predict": f"chunks that were finished are kept; {_GOES_ON}",
    "serve": "dropped pictures are gone; give the same command again, the page is there again",
    "serve --label": "every label is in its file; give the same command again, it goes on with it",
}


def stopped_words(arguments: Sequence[str]) -> str:
    """The line for a command that was stopped.

    Parameters
    ----------
    arguments : sequence of str
        Of the command line, the command first.

    Examples
    --------
    >>> stopped_words(["similar", "sky.parquet"])
    'stopped: nothing was written; give the same command again, it begins anew'
    """
    options = (f"{arguments[0]} {word.split('=')[0]}" for word in arguments[1:])
    names = (*options, *(" ".join(arguments[:count]) for count in (2, 1)))
    kept = next((AFTER_STOP[name] for name in names if name in AFTER_STOP), _NOTHING)
    return f"stopped: {kept}"
