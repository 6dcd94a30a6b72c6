"""Making a pack: in parallel, resumable after a kill, never silently stale."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import public
from galaxyclass.errors import ImageError, OutputError, PackError
from galaxyclass.images.inspect import Inspection, identities_of
from galaxyclass.images.packs import layout
from galaxyclass.images.packs.cache import cache_folder
from galaxyclass.images.packs.index import write_index
from galaxyclass.images.packs.journal import ShardJournal, open_shard_journal
from galaxyclass.images.packs.read import Pack, open_pack, read_manifest
from galaxyclass.images.packs.shards import PixelFile, ShardTask, make_shard, one_thread_each
from galaxyclass.images.read import read_file
from galaxyclass.io import atomic
from galaxyclass.io.journal import key_of_journal
from galaxyclass.io.lock import locked
from galaxyclass.progress import Progress, silent
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.workers.processes import core_count, work_in_processes
from galaxyclass.workers.start import Message

#: The module of packing processes.
_WORKER = "galaxyclass.images.packs.worker"
#: Below this many images, one process is done before others have started.
_FEW = 200
#: Finished shards are synced to the disk and entered in the journal once in so many seconds, but
#: in most of the time nothing is synced: once in so many times what the last one took.
_SYNC_SECONDS, _SYNC_REST = 0.2, 10
#: What the index takes on the disk, at most, per image.
_INDEX_BYTES = 400


@public
def pack(
    paths: Sequence[str | Path],
    preprocessing: Preprocessing,
    *,
    output: str | Path | None = None,
    cache: str | Path | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Pack:
    """Cut out and shrink all images once, into a memory map that training reads fast.

    A pack is found again by the images' paths, sizes and times of change and by the settings:
    if all are as they were, it is opened and nothing is decoded. A pack that was interrupted, by
    whatever, goes on where it stopped; at most about a second of work is done again. If another
    process is making the same pack, this one waits for it.

    An image that cannot be decoded does not stop the others: its record says why.

    Parameters
    ----------
    paths : sequence of str or Path
        Image files; their order is that of the pack.
    preprocessing : Preprocessing
        What is cut out.
    output : str or Path, optional
        The pack's folder; otherwise one of its own in the cache.
    cache : str or Path, optional
        The cache; otherwise `cache_folder`.
    workers : int, optional
        How many decode at once, one of them in this process and the others in processes of
        their own; all cores unless told otherwise.
    overwrite : bool
        Replace a pack of other images or settings in ``output``.
    progress : Progress

    Returns
    -------
    Pack

    Raises
    ------
    OutputError
        ``output`` holds something else; there is no room on the disk, or no permission to write.
    PackError
        An image changed while it was being packed.
    WorkerError
        A packing process died; what is done is kept.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> place = Path(tempfile.mkdtemp())
    >>> Image.new("RGB", (96, 96), (255, 128, 0)).save(place / "orange.png")
    >>> settings = Preprocessing(cutout="centre", size=32)
    >>> made = pack([str(place / "orange.png")], settings, output=place / "pack")
    >>> made.images.shape, made.images[0, 16, 16].tolist(), made.valid.tolist()
    ((1, 32, 32, 3), [255, 128, 0], [True])
    """
    names = [str(path) for path in paths]
    identities = identities_of(names)
    key = layout.key_of(names, identities, preprocessing)
    named = output is not None
    folder = Path(cache or cache_folder()) / "packs" / key if output is None else Path(output)
    with atomic.translated(folder):
        if named:
            _require_ours(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / layout.LOCK):
            complete = _complete(folder, key, replace=overwrite or not named)
            if complete is None:
                job = _Job(names, identities, preprocessing, folder, key)
                job.make(workers or core_count(), progress)
                complete = open_pack(folder)
            progress("pack", len(names), len(names))
    return complete


def _require_ours(folder: Path) -> None:
    """Refuse a folder with files that are not a pack's."""
    if not folder.exists():
        return
    names = {path.name for path in folder.iterdir()}
    if names - {layout.LOCK} and not names & {layout.PACK_MANIFEST, layout.JOURNAL}:
        raise OutputError(
            f"{folder}: the folder holds other files",
            wanted="an empty folder, or a pack",
            got=", ".join(sorted(names)[:5]),
            hint="choose another folder",
        )


def _complete(folder: Path, key: str, replace: bool) -> Pack | None:
    """The pack of this key if it is there and whole; None if it is to be made (or gone on with).

    A damaged pack of the same key is made again: nothing is lost by it. One of another key is
    replaced only if ``replace``.
    """
    found = None
    if (folder / layout.PACK_MANIFEST).exists():
        try:
            found = read_manifest(folder).key
        except PackError:
            if not replace:
                raise
        if found == key:
            with suppress(PackError):
                whole = open_pack(folder)
                if not _readable_now(whole):
                    # A kill between the manifest and the end of the journal.
                    (folder / layout.JOURNAL).unlink(missing_ok=True)
                    return whole
    elif (folder / layout.JOURNAL).exists():
        found = key_of_journal(folder / layout.JOURNAL)
        if found == key:
            return None
    if found not in (None, key) and not replace:
        raise OutputError(
            f"{folder}: the folder holds a pack of other images or other settings",
            got="images that were added, removed or changed since, or a changed cutout",
            hint="choose another folder, or make it anew with `overwrite=True`",
        )
    # Those by which the folder is known to be ours go last.
    for name in (layout.IMAGES, layout.INDEX, layout.JOURNAL, layout.PACK_MANIFEST):
        (folder / name).unlink(missing_ok=True)
    return None


def _readable_now(whole: Pack) -> bool:
    """Whether a file that could not be opened when it was packed can be opened now.

    A server that failed to answer, or permissions since given, leave no trace in the file's
    identity, and must not leave an image black for ever.
    """
    for row in np.flatnonzero(~whole.valid).tolist():
        record = whole.records[row]
        if record.digest == "" and record.size > 0:
            with suppress(ImageError):
                read_file(record.path)
                return True
    return False


@dataclass(frozen=True)
class _Job:
    """A pack to be made; the lock of its folder is held."""

    paths: Sequence[str]
    identities: NDArray[np.int64]
    preprocessing: Preprocessing
    folder: Path
    key: str

    def make(self, workers: int, progress: Progress) -> None:
        images = self.folder / layout.IMAGES
        header = layout.images_header(len(self.paths), self.preprocessing.shape)
        cutout_bytes = int(np.prod(self.preprocessing.shape))
        size = len(header) + len(self.paths) * cutout_bytes
        if not (images.exists() and images.stat().st_size == size):
            # A new file, not the old one emptied: a process of a killed run may still write to it.
            images.unlink(missing_ok=True)
            (self.folder / layout.JOURNAL).unlink(missing_ok=True)
        shards = layout.shards_of(len(self.paths), cutout_bytes)
        with open_shard_journal(self.folder / layout.JOURNAL, self.key) as journal:
            hint = [shard for shard in shards if shard not in journal]
            left = sum(shard.count for shard in hint)
            self._require_room(left * (cutout_bytes + _INDEX_BYTES))
            journal.reserve(left)
            if not images.exists():
                images.write_bytes(header)
            os.truncate(images, size)  # a hole, filled shard by shard
            workers = 1 if left < _FEW or not sys.executable else min(workers, len(hint))
            tasks = self._tasks(hint, len(header))
            with closing(self._results(tasks, workers)) as results:
                self._collect(results, journal, len(self.paths) - left, progress)
            seen = ((self._paths_of(shard), journal.looks(shard)) for shard in shards)
            write_index(self.folder / layout.INDEX, seen)
        manifest = layout.PackManifest(self.key, self.preprocessing, len(self.paths))
        atomic.write_text(self.folder / layout.PACK_MANIFEST, manifest.to_json())
        (self.folder / layout.JOURNAL).unlink()

    def _require_room(self, wanted: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if free < wanted:
            raise OutputError(
                f"{self.folder}: no room for the pack on this disk",
                wanted=f"{wanted / 1e6:,.1f} MB",
                got=f"{free / 1e6:,.1f} MB free",
                hint="free some space, or name another place with `cache` or `output`",
            )

    def _tasks(self, hint: list[layout.Shard], start: int) -> Iterator[ShardTask]:
        cutout_bytes = int(np.prod(self.preprocessing.shape))
        for shard in hint:
            yield ShardTask(shard, self._paths_of(shard), start + shard.start * cutout_bytes)

    def _paths_of(self, shard: layout.Shard) -> Sequence[str]:
        return self.paths[shard.start : shard.start + shard.count]

    def _results(
        self, tasks: Iterator[ShardTask], workers: int
    ) -> Generator[tuple[layout.Shard, list[Inspection]], None, None]:
        images, settings = self.folder / layout.IMAGES, self.preprocessing.model_dump()
        with PixelFile(images) as file:
            if workers == 1:
                for task in tasks:
                    yield task.shard, make_shard(task.paths, settings, file, task.offset)
                return

            def here(task: Message) -> Message:
                return {"looks": make_shard(task["paths"], settings, file, task["offset"])}

            job = {"settings": settings, "images": str(images.absolute())}
            told = ((t.shard, {"paths": list(t.paths), "offset": t.offset}) for t in tasks)
            answers = work_in_processes(_WORKER, job, told, workers, here=here)
            with one_thread_each(), closing(answers):
                for shard, answer in answers:
                    yield shard, [Inspection(*look) for look in answer["looks"]]

    def _collect(
        self,
        results: Iterator[tuple[layout.Shard, list[Inspection]]],
        journal: ShardJournal,
        done: int,
        progress: Progress,
    ) -> None:
        """Enter results in the journal as they come, syncing their pixels first."""
        waiting: list[tuple[layout.Shard, list[Inspection]]] = []
        due = time.monotonic() + _SYNC_SECONDS
        note = f"{done:,} done before" if done else ""
        images = self.folder / layout.IMAGES

        def enter() -> None:
            atomic.sync(images)
            journal.add(waiting)
            waiting.clear()

        try:
            for shard, looks in results:
                self._require_unchanged(shard, looks)
                waiting.append((shard, looks))
                done += shard.count
                progress("pack", done, len(self.paths), note=note)
                begun = time.monotonic()
                if begun > due:
                    enter()
                    ended = time.monotonic()
                    due = ended + max(_SYNC_SECONDS, _SYNC_REST * (ended - begun))
        finally:  # also after Ctrl-C or an error: what is done is kept
            enter()

    def _require_unchanged(self, shard: layout.Shard, looks: list[Inspection]) -> None:
        known = self.identities[shard.start : shard.start + shard.count].tolist()
        for row, look in enumerate(looks):
            if known[row] != [look.size, look.mtime_ns]:
                raise PackError(
                    f"{self.paths[shard.start + row]}: the file changed while it was being packed",
                    hint="run the same again once the images stay as they are",
                )
