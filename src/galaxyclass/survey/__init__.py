"""A survey as a manifest of shards: planned, run here or on a cluster, watched and merged."""
