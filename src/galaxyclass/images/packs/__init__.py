"""All cutouts in one memory map: layout, writing (parallel, resumable), reading."""
