"""Sphinx settings. Builds without a network, with warnings as errors."""

import sys
from pathlib import Path


sys.path.insert(0, str(Path(__file__).parent))  # for tables.py and mathml.py

# The gallery looks up, by its public name, what our halving searches extend.
from sklearn.experimental import enable_halving_search_cv  # noqa: F401

import sknet


project = "sknet"
author = "The sknet developers"
copyright = "The sknet developers. BSD-3-Clause"
version = release = sknet.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",  # CHANGES.md
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "mathml",
    "tables",
]
exclude_patterns = ["_build", "auto_examples/*.ipynb", "auto_examples/*.py"]
source_suffix = {".rst": "restructuredtext"}

# ------------------------------------------------------------------------ the API
# No intersphinx: it reads the other projects' inventories from the network.

autosummary_generate = True
# The page of a family of components lists what stands in the package's __all__.
autosummary_imported_members = True
autosummary_ignore_module_all = False
# Members are listed in templates/autosummary/class.rst: our own, not those of
# scikit-learn's mixins, whose docstrings refer to labels of scikit-learn's pages.
templates_path = ["templates"]
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
autodoc_typehints = "none"  # docstrings say types, with shapes
# What our searches inherit is documented by scikit-learn, which refers to its glossary.
suppress_warnings = ["ref.term"]

# -------------------------------------------------------------------- the examples

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"(^|/)(?!plot_)[^/]*\.py$",  # demo.py is for `make demo`
    "within_subsection_order": "tables.gallery_order",
    "image_scrapers": ("matplotlib",),
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "download_all_examples": False,
    "plot_gallery": "True",
    "abort_on_example_error": True,
}

# ------------------------------------------------------------------------- the look

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = f"sknet {release}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sourcelink = False
# Pages with wide tables need the room of their contents at the side.
CHAPTERS = "activations", "losses", "optimizers", "schedules", "blocks", "initializers"
CHAPTERS += "tables", "images", "ensembles", "searches", "onnx", "exporters", "saving"
WIDE = ["index", "differences", *(f"user_guide/{name}" for name in CHAPTERS)]
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "header_links_before_dropdown": 7,
    "navbar_persistent": ["search-button-field"],
    "secondary_sidebar_items": {"**": ["page-toc"]} | {page: [] for page in WIDE},
}
html_sidebars = {"*": []}  # only pages in a folder have a list of their sisters
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
