"""Sphinx's settings for the static site. `tools/site.py` copies them beside the pages and starts it there."""

project = "Taming Depth"
html_title = "Taming Depth"
author = "the authors of Taming Depth"
language = "en"

extensions = ["myst_nb", "sphinx.ext.mathjax"]
source_suffix = {".ipynb": "myst-nb", ".md": "myst-nb"}
myst_enable_extensions = ["dollarmath", "colon_fence"]
nb_execution_mode = "off"  # what the notebooks show was computed and compared by the tests
nb_merge_streams = True

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["canvas.css", "site.css"]
html_js_files = [("player.js", {"type": "module"})]
html_use_index = False
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
templates_path = []
exclude_patterns = ["_static"]
pygments_style = "friendly"
pygments_dark_style = "native"

# MathJax's own files stand on the site: no page asks another server for anything.
mathjax_path = "mathjax/tex-chtml.js"
