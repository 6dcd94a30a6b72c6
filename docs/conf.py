"""Settings of Sphinx: `make docs` builds the site into docs/_build/html, offline."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from numpydoc.xref import DEFAULT_LINKS  # noqa: E402

import galaxyclass  # noqa: E402

project = "galaxyclass"
author = "The galaxyclass developers"
project_copyright = author
release = version = galaxyclass.__version__

extensions = [
    "extensions.api_pages",
    "extensions.command_pages",
    "extensions.offline",
    "extensions.recipe_settings",
    "extensions.repository_pages",
    "extensions.shell_words",
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "README.md", "extensions", "figures", "**/GALLERY_HEADER.rst"]
nitpicky = True
default_role = "py:obj"

# Markdown: headings are anchors, as on GitHub.
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

# The reference of Python: types are written in docstrings, so that signatures stay short.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_default_options = {"exclude-members": "model_config"}  # pydantic's, of recipes
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
DEFAULT_LINKS.clear()  # into the documentation of Python and numpy, which is not here
numpydoc_xref_ignore = "all"  # but these:
numpydoc_xref_aliases = {
    name: f"galaxyclass.{name}" for name in galaxyclass.__all__ if not name.startswith("_")
}

# Figures that are made of numbers while the site is built.
plot_formats = [("png", 160)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_working_directory = str(HERE)
plot_rcparams = {"savefig.bbox": "tight", "font.size": 10}

sphinx_gallery_conf = {
    "examples_dirs": [str(HERE.parent / "examples" / "gallery")],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "only_warn_on_example_error": False,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 0,
    "write_computation_times": False,
    "reset_modules": (),
    "remove_config_comments": True,
    "matplotlib_animations": False,
    "image_scrapers": ("matplotlib", "extensions.figures.save_figures"),
    "thumbnail_size": (400, 280),
    "plot_gallery": importlib.util.find_spec("matplotlib") is not None,
}

html_theme = "pydata_sphinx_theme"
html_title = "galaxyclass"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/logo.svg"
html_copy_source = False
html_show_sourcelink = False
html_sidebars = {"index": []}
html_theme_options = {
    "logo": {"image_light": "_static/logo.svg", "image_dark": "_static/logo.svg", "text": project},
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
# The prompt and what a program prints are not copied.
copybutton_exclude = ".linenos, .gp, .go"
