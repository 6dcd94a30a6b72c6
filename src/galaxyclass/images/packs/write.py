"""Making a pack: in parallel, resumable after a kill, never silently stale."""

from __future__ import annotations

import logging
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
from galaxyclass.images.packs.shards import (
    MadeShard,
    PixelFile,
    ShardTask,
    make_shard,
    single_threaded_opencv,
)
from galaxyclass.images.read import read_file
from galaxyclass.io import atomic
from galaxyclass.io.journal import key_of_journal
from galaxyclass.io.lock import locked
from galaxyclass.progress import Progress, silent
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.workers.processes import core_count, work_in_processes
from galaxyclass.workers.start import Message

log = logging.getLogger(__name__)

#: The module of packing processes.
_WORKER = "galaxyclass.images.packs.worker"
#: Below this many images, one process finishes before others have started.
_FEW = 200
#: Finished shards are synced to the disk and entered in the journal every `_SYNC_SECONDS`, or every
#: `_SYNC_REST` times what the last sync took, if that is longer.
_SYNC_SECONDS, _SYNC_REST = 0.2, 10
#: Largest size of the index on the disk, bytes per image.
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

    A pack is identified by the images' paths, sizes and times of change and by the settings: where
    all are unchanged, the pack is opened and nothing is decoded. An interrupted pack goes on where
    it stopped; at most about a second of work is done again. If another process is making the same
    pack, this one waits for it.

    An image that cannot be decoded does not stop the others: its record says why.

    Parameters
    ----------
    paths : sequence of str or Path
        Image files, in the order of the pack.
    preprocessing : Preprocessing
        The settings of the cutouts.
    output : str or Path, optional
        The pack's folder; by default a folder in the cache.
    cache : str or Path, optional
        The cache; by default `cache_folder`.
    workers : int, optional
        Images that are decoded at the same time, by a thread of this process and by worker
        processes; by default as many as there are cores.
    overwrite : bool
        Replace a pack of other images or settings in ``output``.
    progress : Progress

    Returns
    -------
    Pack

    Raises
    ------
    OutputError
        ``output`` holds other files; there is no room on the disk, or no permission to write.
    PackError
        An image changed while it was being packed.
    WorkerError
        A worker process died; finished work is kept.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> Image.new("RGB", (96, 96), (255, 128, 0)).save(folder / "orange.png")
    >>> settings = Preprocessing(cutout="centre", size=32)
    >>> cutouts = pack([str(folder / "orange.png")], settings, output=folder / "pack")
    >>> cutouts.images.shape, cutouts.images[0, 16, 16].tolist(), cutouts.valid.tolist()
    ((1, 32, 32, 3), [255, 128, 0], [True])
    """
    names = [str(path) for path in paths]
    identities = identities_of(names)
    key = layout.key_of(names, identities, preprocessing)
    named = output is not None
    folder = Path(cache or cache_folder()) / "packs" / key if output is None else Path(output)
    with atomic.translated(folder, "output" if named else "cache"):
        if named:
            _require_pack_folder(folder)
        if (shared := _only_readable(folder, key)) is not None:
            progress("pack", len(names), len(names))
            return shared
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / layout.LOCK):
            complete = _complete(folder, key, replace=overwrite or not named)
            if complete is None:
                job = _Job(names, identities, preprocessing, folder, key)
                job.make(workers or core_count(), progress)
                complete = open_pack(folder)
            progress("pack", len(names), len(names))
    return complete


def _only_readable(folder: Path, key: str) -> Pack | None:
    """The complete pack of this key in a folder that may not be written to, if it is one.

    A cache of several users, or one on a disk that is read-only.
    """
    if not folder.is_dir() or all(
        os.access(path, os.W_OK) for path in (folder, folder / layout.LOCK)
    ):
        return None
    if (folder / layout.JOURNAL).exists() or not (folder / layout.PACK_MANIFEST).exists():
        return None
    with suppress(PackError):
        if read_manifest(folder).key == key:
            return open_pack(folder)
    return None


def _require_pack_folder(folder: Path) -> None:
    """Refuse a folder that holds other files than those of a pack."""
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
    """The pack of this key if it is complete; None if it is to be made or continued.

    A damaged pack of the same key is made again. A pack of another key is replaced only with
    ``replace``.
    """
    existing_key = None
    if (folder / layout.PACK_MANIFEST).exists():
        try:
            existing_key = read_manifest(folder).key
        except PackError:
            if not replace:
                raise
        if existing_key == key:
            try:
                complete = open_pack(folder)
            except PackError as error:
                log.warning("%s; the pack is made again", error.what)
            else:
                if not _readable_now(complete):
                    # Left by a kill between the writing of the manifest and the end of the journal.
                    (folder / layout.JOURNAL).unlink(missing_ok=True)
                    return complete
    elif (folder / layout.JOURNAL).exists():
        existing_key = key_of_journal(folder / layout.JOURNAL)
        if existing_key == key:
            return None
    if existing_key not in (None, key) and not replace:
        raise OutputError(
            f"{folder}: the folder holds a pack of other images or other settings",
            got="images that were added, removed or changed since, or a changed cutout",
            hint="choose another folder, or make it anew with `overwrite=True`",
        )
    # The files that mark the folder as a pack's are removed last.
    for name in (layout.IMAGES, layout.INDEX, layout.JOURNAL, layout.PACK_MANIFEST):
        (folder / name).unlink(missing_ok=True)
    return None


def _readable_now(complete: Pack) -> bool:
    """Whether a file that could not be opened when it was packed can be opened now.

    A file server that did not answer, or permissions that were given since, do not change a file's
    identity: without this check the image would stay black for ever.
    """
    for row in np.flatnonzero(~complete.valid).tolist():
        record = complete.records[row]
        if record.digest == "" and record.size > 0:
            with suppress(ImageError):
                read_file(record.path)
                return True
    return False


@dataclass(frozen=True)
class _Job:
    """A pack to make; the lock of its folder is held."""

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
            unfinished = [shard for shard in shards if shard not in journal]
            remaining = sum(shard.count for shard in unfinished)
            self._require_room(remaining * (cutout_bytes + _INDEX_BYTES))
            journal.reserve(remaining)
            if not images.exists():
                images.write_bytes(header)
            os.truncate(images, size)  # a hole, filled shard by shard
            alone = remaining < _FEW or not sys.executable
            workers = 1 if alone else min(workers, len(unfinished))
            tasks = self._tasks(unfinished, len(header))
            with closing(self._results(tasks, workers)) as results:
                self._collect(results, journal, len(self.paths) - remaining, progress)
            checksums: list[int] = []

            def records() -> Iterator[tuple[Sequence[str], Sequence[Inspection]]]:
                for shard in shards:
                    made = journal[shard]
                    checksums.append(made.checksum)
                    yield self._paths_of(shard), made.inspections

            write_index(self.folder / layout.INDEX, records())
        manifest = layout.PackManifest(self.key, self.preprocessing, len(self.paths), checksums)
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

    def _tasks(self, shards: list[layout.Shard], start: int) -> Iterator[ShardTask]:
        cutout_bytes = int(np.prod(self.preprocessing.shape))
        for shard in shards:
            yield ShardTask(shard, self._paths_of(shard), start + shard.start * cutout_bytes)

    def _paths_of(self, shard: layout.Shard) -> Sequence[str]:
        return self.paths[shard.start : shard.start + shard.count]

    def _results(
        self, tasks: Iterator[ShardTask], workers: int
    ) -> Generator[tuple[layout.Shard, MadeShard], None, None]:
        images, settings = self.folder / layout.IMAGES, self.preprocessing.model_dump()
        with PixelFile(images) as file:
            if workers == 1:
                for task in tasks:
                    yield task.shard, make_shard(task.paths, settings, file, task.offset)
                return

            def in_thread(task: Message) -> Message:
                return make_shard(task["paths"], settings, file, task["offset"])._asdict()

            job = {"settings": settings, "images": str(images.absolute())}
            messages = (
                (task.shard, {"paths": list(task.paths), "offset": task.offset}) for task in tasks
            )
            answers = work_in_processes(_WORKER, job, messages, workers, in_thread=in_thread)
            with single_threaded_opencv(), closing(answers):
                for shard, answer in answers:
                    inspections = [Inspection(*each) for each in answer["inspections"]]
                    yield shard, MadeShard(inspections, answer["checksum"])

    def _collect(
        self,
        results: Iterator[tuple[layout.Shard, MadeShard]],
        journal: ShardJournal,
        done: int,
        progress: Progress,
    ) -> None:
        """Enter results in the journal as they arrive, after syncing their pixels."""
        waiting: list[tuple[layout.Shard, MadeShard]] = []
        due = time.monotonic() + _SYNC_SECONDS
        note = f"{done:,} done before" if done else ""
        images = self.folder / layout.IMAGES

        def enter() -> None:
            atomic.sync(images)
            journal.add(waiting)
            waiting.clear()

        try:
            for shard, made in results:
                self._require_unchanged(shard, made.inspections)
                waiting.append((shard, made))
                done += shard.count
                progress("pack", done, len(self.paths), note=note)
                begun = time.monotonic()
                if begun > due:
                    enter()
                    ended = time.monotonic()
                    due = ended + max(_SYNC_SECONDS, _SYNC_REST * (ended - begun))
        finally:  # also after Ctrl-C or an error: finished shards are kept
            enter()

    def _require_unchanged(self, shard: layout.Shard, inspections: list[Inspection]) -> None:
        known = self.identities[shard.start : shard.start + shard.count].tolist()
        for row, inspection in enumerate(inspections):
            if known[row] != [inspection.size, inspection.mtime_ns]:
                raise PackError(
                    f"{self.paths[shard.start + row]}: the file changed while it was being packed",
                    hint="run the same again once the images no longer change",
                )
