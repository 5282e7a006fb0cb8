"""Formulas as MathML, which browsers draw by themselves: no script, no network."""

import re

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml


def mathml(node, **options):
    r"""Return a formula's MathML; docutils takes ``\frac12`` with braces only."""
    formula = re.sub(r"(\\[td]?frac)(\d)(\d)", r"\1{\2}{\3}", node.astext())
    return tex2mathml(formula, **options)


def inline(translator, node):
    """Write a formula inside a line."""
    translator.body.append(mathml(node))
    raise nodes.SkipNode


def block(translator, node):
    """Write a formula on lines of its own."""
    formula = mathml(node, as_block=True)
    translator.body.append(f'<div class="math">{formula}</div>')
    raise nodes.SkipNode


def setup(app):
    """Register the renderer; ``html_math_renderer`` chooses it."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
