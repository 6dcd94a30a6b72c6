"""Zooniverse by files: pictures and manifests of subjects out, classifications in as counts."""
